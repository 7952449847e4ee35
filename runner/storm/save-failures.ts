/** Keeps the smallest failure of each group in a folder: the case, to be run again by `replay`, and its report, to be read. */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { terminal } from '../../reports/terminal.js';
import type { Case, Seed } from '../../src/run.js';
import type { Catalogue } from '../catalogue.js';
import { type CaseOutcome, runCase } from '../run-case.js';
import { writeCaseFile } from './case-file.js';
import { caseAt, type Plan } from './plan.js';
import type { SeedResult } from './seed-result.js';

/** More groups than these have one cause too many to look at them one by one. */
const SAVED_MAX = 50;
const NAME_LENGTH_MAX = 40;

export interface SaveOptions {
  readonly catalogue: Catalogue;
  readonly catalogueUrl?: URL;
  readonly hangTimeoutMs?: number;
  readonly commandOf: (scenario: string, seed: Seed) => string;
  /** When aborted, cases are still written, and no longer run again for their reports. */
  readonly signal: AbortSignal;
}

/** Replaces what an earlier part of the storm saved. Resolves to the paths of the case files, in the order of `examples`. */
export async function saveFailures(folder: string, plan: Plan, examples: readonly SeedResult[], options: SaveOptions): Promise<string[]> {
  await rm(folder, { recursive: true, force: true });
  if (examples.length === 0) return [];
  await mkdir(folder, { recursive: true });
  const paths: string[] = [];
  for (const [index, example] of examples.slice(0, SAVED_MAX).entries()) {
    const { verdict, invariant, traceHash } = example;
    const signature = example.signature ?? verdict;
    const run = caseAt(plan, example.position, options.catalogue);
    const reproduce = options.commandOf(example.scenario, example.seed);
    const stem = join(folder, `${String(index + 1).padStart(2, '0')}-${slug(signature)}`);
    await writeCaseFile(`${stem}.json`, { case: run, expected: { verdict, invariant, signature, traceHash }, reproduce });
    paths.push(`${stem}.json`);
    if (example.twin !== null && example.twin !== '')
      await writeFileAtomic(`${stem}.txt`, `${example.twin}\n\nTo do it again:\n  ${reproduce} --twin\n`);
    else if (!options.signal.aborted) await saveText(`${stem}.txt`, run, example, reproduce, options);
  }
  return paths;
}

/** Runs the case once more, with its trace. */
async function saveText(path: string, run: Case, example: SeedResult, reproduce: string, options: SaveOptions): Promise<void> {
  const { signal, catalogueUrl, hangTimeoutMs } = options;
  let outcome: CaseOutcome;
  try {
    outcome = await runCase(run, {
      record: true,
      signal,
      ...(catalogueUrl === undefined ? {} : { catalogueUrl }),
      ...(hangTimeoutMs === undefined ? {} : { hangTimeoutMs }),
    });
  } catch (error) {
    if (signal.aborted) return;
    throw error;
  }
  const reporter = terminal({ colour: false });
  const same = outcome.run.traceHash === example.traceHash && outcome.run.verdict === example.verdict;
  const warning = same
    ? ''
    : `Not the same run as in the storm, which had verdict ${example.verdict} and trace hash ${example.traceHash || 'none'}: something takes time, chance or order from outside the simulation.\n\n`;
  await writeFileAtomic(path, `${warning}${reporter.opening?.(run) ?? ''}${reporter.report({ ...outcome, reproduce })}`);
}

const slug = (text: string): string =>
  text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, NAME_LENGTH_MAX)
    .replace(/^-|-$/g, '') || 'failure';
