/** A saved failure as `replay` and `shrink` take it: read, and known to run as it stands. */
import { checkCase } from '../case-check.js';
import { catalogue } from '../catalogue.js';
import { UsageError } from '../usage-error.js';
import { type CaseFile, readCaseFile } from './case-file.js';

/** Throws UsageError, naming the file and what is wrong in it, for a file that cannot be read or a case that cannot run. */
export async function readSavedCase(path: string): Promise<CaseFile> {
  const file = await readCaseFile(path);
  try {
    checkCase(file.case, catalogue);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new UsageError(
      `'${path}' cannot run: ${error.message}\nPut it right in the file; if another version of kelpie-dst saved it, find the failure again with 'kelpie-dst storm --out DIR'`,
    );
  }
  return file;
}
