/** The events of a saved run: those that `run --trace` wrote, or those of a case file, which is run again for them. */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Verdict } from '../../src/run.js';
import type { TraceListener } from '../../src/trace.js';
import { exploreFirst } from '../conformance/explore-first.js';
import { runCase } from '../run-case.js';
import { readSavedCase } from '../storm/saved-case.js';
import { UsageError } from '../usage-error.js';
import { readStoredTrace } from './stored-trace.js';

/** What came of a case that was run again. */
export interface Rerun {
  readonly verdict: Verdict;
  readonly traceHash: string;
  /** When it was saved. */
  readonly before: { readonly verdict: Verdict; readonly traceHash: string };
}

/**
 * Hands over every event in order; resolves to what a case did this time, and to undefined for a trace. Rejects with UsageError for a
 * file that is neither, a case that cannot run, and one that comes to no end and so has no whole trace.
 */
export async function readSavedRun(path: string, take: TraceListener, signal: AbortSignal): Promise<Rerun | undefined> {
  if (!(await isDocument(path))) {
    await readStoredTrace(path, take);
    return undefined;
  }
  const { case: saved, expected } = await readSavedCase(path);
  await exploreFirst(signal);
  const { run, trace, completed } = await runCase(saved, { record: true, signal });
  if (!completed) {
    throw new UsageError(
      `the case of '${path}' has no trace: ${run.verdict}, ${run.reason ?? 'without a reason'}; 'kelpie-dst replay ${path}' tells more`,
    );
  }
  for (const event of trace) take(event);
  return {
    verdict: run.verdict,
    traceHash: run.traceHash,
    before: { verdict: expected.verdict, traceHash: expected.traceHash },
  };
}

/** A trace has an event on its first line. A case file is one document over many lines, or says its format on the only one. */
async function isDocument(path: string): Promise<boolean> {
  const input = createReadStream(path, 'utf8');
  try {
    for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
      return line.trim() === '{' || line.includes('"format"');
    }
  } catch {
    // Whoever reads it as a trace says what is wrong with it.
  } finally {
    input.destroy();
  }
  return false;
}
