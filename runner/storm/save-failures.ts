/**
 * Keeps the smallest failure of each group in a folder: the case, to be run again by `replay`, the smallest case that fails alike, and
 * the report of that one, to be read.
 */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { terminal } from '../../reports/terminal.js';
import type { Case, Seed } from '../../src/run.js';
import { CasePool } from '../case-pool.js';
import { type Catalogue, find } from '../catalogue.js';
import { type CaseOutcome, runCase } from '../run-case.js';
import { necessities, shrink } from '../shrink/shrink.js';
import { shrunkText } from '../shrink/shrunk-text.js';
import { writeCaseFile } from './case-file.js';
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
    const { verdict, invariant, traceHash } = example;
    const signature = example.signature ?? verdict;
    const run = caseAt(plan, example.position, options.catalogue);
    const reproduce = options.commandOf(example.scenario, example.seed);
    const stem = join(folder, `${String(index + 1).padStart(2, '0')}-${slug(signature)}`);
    await writeCaseFile(`${stem}.json`, { case: run, expected: { verdict, invariant, signature, traceHash }, reproduce });
    if (example.twin !== null && example.twin !== '') {
      paths.push(`${stem}.json`);
      await writeFileAtomic(`${stem}.txt`, `${example.twin}\n\nTo do it again:\n  ${reproduce} --twin\n`);
    } else if (options.shrinkWorkers !== undefined && minimised < SHRUNK_MAX && !options.signal.aborted) {
      minimised++;
      paths.push(await saveMinimised(stem, run, example, reproduce, options.shrinkWorkers, options));
    } else {
      paths.push(`${stem}.json`);
      await saveText(`${stem}.txt`, run, example, reproduce, options);
    }
  }
  return paths;
}

/** Resolves to the path of the smallest case there is. */
async function saveMinimised(
  stem: string,
  run: Case,
  example: SeedResult,
  reproduce: string,
  workers: number,
  options: SaveOptions,
): Promise<string> {
  const { catalogue, catalogueUrl, hangTimeoutMs, signal } = options;
  const scenario = find('scenario', catalogue.scenarios, run.scenario);
  const own = {
    ...(catalogueUrl === undefined ? {} : { catalogueUrl }),
    ...(hangTimeoutMs === undefined ? {} : { hangTimeoutMs }),
    signal,
  };
  const pool = new CasePool({ workers, ...own });
  const path = `${stem}.min.json`;
  try {
    const verdict = await pool.judge(run);
    // Not the same run as in the storm: the report says so.
    if (verdict.traceHash !== example.traceHash || verdict.verdict !== example.verdict) {
      await saveText(`${stem}.txt`, run, example, reproduce, options);
      return `${stem}.json`;
    }
    const bounds = { runs: SHRINK_RUNS, wallMs: Number.POSITIVE_INFINITY };
    const shrunk = await shrink(run, verdict, { pool, scenario, faults: catalogue.faults, bounds, ...own });
    const text = shrunkText(shrunk, await necessities(shrunk.case, shrunk.verdict, pool, scenario));
    const { verdict: end, invariant, signature, traceHash } = shrunk.verdict;
    const again = `npx kelpie-dst replay ${path}`;
    await writeCaseFile(path, { case: shrunk.case, expected: { verdict: end, invariant, signature, traceHash }, reproduce: again });
    await saveText(`${stem}.txt`, shrunk.case, shrunk.verdict, again, options, text);
    return path;
  } catch (error) {
    if (signal.aborted) return `${stem}.json`;
    throw error;
  } finally {
    await pool.end();
  }
}

/** Runs the case once more, with its trace. */
async function saveText(
  path: string,
  run: Case,
  example: Pick<SeedResult, 'traceHash' | 'verdict'>,
  reproduce: string,
  options: SaveOptions,
  more = '',
): Promise<void> {
  const { signal, catalogueUrl, hangTimeoutMs } = options;
  if (signal.aborted) return;
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
  await writeFileAtomic(path, `${warning}${reporter.opening?.(run) ?? ''}${reporter.report({ ...outcome, reproduce })}${more}`);
}

const slug = (text: string): string =>
  text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, NAME_LENGTH_MAX)
    .replace(/^-|-$/g, '') || 'failure';
