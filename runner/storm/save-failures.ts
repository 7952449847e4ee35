/**
 * Keeps the smallest failure of each group in a folder: the case, to be run again by `replay`, the smallest case that fails alike, and
 * the report of that one, to be read.
 */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { terminal } from '../../reports/terminal.js';
import type { Seed } from '../../src/run.js';
import { CasePool } from '../case-pool.js';
import { expectedOf } from '../case-verdict.js';
import { type Catalogue, find } from '../catalogue.js';
import { type CaseOutcome, runCase } from '../run-case.js';
import { necessities } from '../shrink/necessity.js';
import { shrink } from '../shrink/shrink.js';
import { specStateOf } from '../spec-state.js';
import { shrunkText } from '../shrink/shrunk-text.js';
import { type CaseFile, logOf, writeCaseFile } from './case-file.js';
import { caseAt, type Plan } from './plan.js';
import type { SeedResult } from './seed-result.js';

/** More groups than these have one cause too many to look at them one by one. */
const SAVED_MAX = 50;
const NAME_LENGTH_MAX = 40;
/** Each of the first groups is made smaller with so many runs: half a minute or so. `shrink` does more. */
const SHRUNK_MAX = 5;
const SHRINK_RUNS = 400;

export interface SaveOptions {
  readonly catalogue: Catalogue;
  readonly catalogueUrl?: URL;
  readonly hangTimeoutMs?: number;
  readonly commandOf: (scenario: string, seed: Seed) => string;
  /** Looks for smaller cases on these many threads; absent: does not. */
  readonly shrinkWorkers?: number;
  /** Whether to make this one smaller here: another machine may do it. Absent: yes. */
  readonly claims?: (example: SeedResult) => Promise<boolean>;
  /** When aborted, cases are still written, and no longer run again. */
  readonly signal: AbortSignal;
}

/** Replaces what an earlier part of the storm saved. Resolves to the paths of the case files, in the order of `examples`. */
export async function saveFailures(folder: string, plan: Plan, examples: readonly SeedResult[], options: SaveOptions): Promise<string[]> {
  await rm(folder, { recursive: true, force: true });
  if (examples.length === 0) return [];
  await mkdir(folder, { recursive: true });
  const paths: string[] = [];
  let minimised = 0;
  for (const [index, example] of examples.slice(0, SAVED_MAX).entries()) {
    const signature = example.signature ?? example.verdict;
    const run = caseAt(plan, example.position, options.catalogue);
    const reproduce = options.commandOf(example.scenario, example.seed);
    const stem = join(folder, `${String(index + 1).padStart(2, '0')}-${slug(signature)}`);
    const saved: SavedCase = { case: run, expected: expectedOf({ ...example, signature }), reproduce };
    await writeCaseFile(`${stem}.json`, saved);
    if (example.twin !== null && example.twin !== '') {
      paths.push(`${stem}.json`);
      await writeFileAtomic(`${stem}.txt`, `${example.twin}\n\nTo do it again:\n  ${reproduce} --twin\n`);
    } else if (
      options.shrinkWorkers !== undefined &&
      minimised < SHRUNK_MAX &&
      !options.signal.aborted &&
      (await options.claims?.(example)) !== false
    ) {
      minimised++;
      paths.push(await saveMinimised(stem, saved, options.shrinkWorkers, options));
    } else {
      paths.push(`${stem}.json`);
      await saveRun(stem, `${stem}.json`, saved, options);
    }
  }
  return paths;
}

type SavedCase = Omit<CaseFile, 'format' | 'version'>;

/** Resolves to the path of the smallest case there is. */
async function saveMinimised(stem: string, saved: SavedCase, workers: number, options: SaveOptions): Promise<string> {
  const { catalogue, signal } = options;
  const run = saved.case;
  const scenario = find('scenario', catalogue.scenarios, run.scenario);
  const pool = new CasePool({ workers, ...runOptions(options) });
  const path = `${stem}.min.json`;
  let smallest = `${stem}.json`;
  try {
    const verdict = await pool.judge(run);
    // Not the same run as in the storm: the report says so.
    if (verdict.traceHash !== saved.expected.traceHash || verdict.verdict !== saved.expected.verdict) {
      await saveRun(stem, smallest, saved, options);
      return smallest;
    }
    const bounds = { runs: SHRINK_RUNS, wallMs: Number.POSITIVE_INFINITY };
    const shrunk = await shrink(run, verdict, { pool, scenario, faults: catalogue.faults, bounds, ...runOptions(options) });
    const reproduce = `npx kelpie-dst replay ${path}`;
    const small: SavedCase = { case: shrunk.case, expected: expectedOf(shrunk.verdict), reproduce };
    await writeCaseFile(path, small);
    smallest = path;
    const text = shrunkText(shrunk, await necessities(shrunk.case, shrunk.verdict, pool, scenario));
    await saveRun(stem, path, small, options, text);
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    await pool.end();
  }
  return smallest;
}

/** Runs the case once more, with its trace: its log goes into the case file, its report beside it. */
async function saveRun(stem: string, path: string, saved: SavedCase, options: SaveOptions, more = ''): Promise<void> {
  const { signal } = options;
  if (signal.aborted) return;
  const { case: run, expected, reproduce } = saved;
  let outcome: CaseOutcome;
  try {
    outcome = await runCase(run, { record: true, ...runOptions(options) });
  } catch (error) {
    if (signal.aborted) return;
    throw error;
  }
  const reporter = terminal({ colour: false });
  const same = outcome.run.traceHash === expected.traceHash && outcome.run.verdict === expected.verdict;
  const warning = same
    ? ''
    : `Not the same run as in the storm, which had verdict ${expected.verdict} and trace hash ${expected.traceHash || 'none'}: something takes time, chance or order from outside the simulation.\n\n`;
  if (same && outcome.completed) await writeCaseFile(path, { ...saved, log: logOf(outcome.trace) });
  await writeFileAtomic(
    `${stem}.txt`,
    `${warning}${reporter.opening?.(run) ?? ''}${reporter.report({ ...outcome, ...(await specStateOf(outcome, options.catalogue)), reproduce })}${more}`,
  );
}

const runOptions = ({
  catalogueUrl,
  hangTimeoutMs,
  signal,
}: SaveOptions): { readonly catalogueUrl?: URL; readonly hangTimeoutMs?: number; readonly signal: AbortSignal } => ({
  ...(catalogueUrl === undefined ? {} : { catalogueUrl }),
  ...(hangTimeoutMs === undefined ? {} : { hangTimeoutMs }),
  signal,
});

const slug = (text: string): string =>
  text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, NAME_LENGTH_MAX)
    .replace(/^-|-$/g, '') || 'failure';
