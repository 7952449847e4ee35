/** `shrink`: the smallest case that still fails, and what happens without each thing that is left. */
import type { CommandModule, InferredOptionTypes } from 'yargs';
import type { RunReportInput } from '../../reports/reporter.js';
import { terminal } from '../../reports/terminal.js';
import { counted, grouped } from '../../reports/text.js';
import { type Case, EXIT } from '../../src/run.js';
import { CasePool } from '../case-pool.js';
import { expectedOf } from '../case-verdict.js';
import { catalogue, find } from '../catalogue.js';
import { exploreFirst } from '../conformance/explore-first.js';
import { parseDuration } from '../duration.js';
import { COLOUR_FLAG, JSON_FLAG, WORKERS_FLAG, once, wantsColour, wholeNumber, workersOf } from '../flags.js';
import { interruptible } from '../interrupt.js';
import { judgedRun } from '../judged-run.js';
import { runCase } from '../run-case.js';
import { isWrittenAsSeed } from '../seed.js';
import { refuseSeedFlags, SEED_CASE_FLAGS, seedCase } from '../seed-case.js';
import { NECESSITY_SEEDS, necessities, type Necessity } from '../shrink/necessity.js';
import { shrink, type Shrunk, type Sizes } from '../shrink/shrink.js';
import { specStateOf } from '../spec-state.js';
import { shrunkText } from '../shrink/shrunk-text.js';
import { logOf, writeCaseFile } from '../storm/case-file.js';
import { readSavedCase } from '../storm/saved-case.js';
import { UsageError } from '../usage-error.js';
import { probeWritable } from '../writable.js';

const RUNS_DEFAULT = 1_500;
const RUNS_MAX = 1_000_000;

export const SHRINK_FLAGS = {
  ...SEED_CASE_FLAGS,
  runs: { type: 'string', describe: `Cases to try at most; ${RUNS_DEFAULT} when left out`, coerce: once('runs') },
  budget: { type: 'string', describe: 'Wall time, such as 2m, after which the smallest so far is taken', coerce: once('budget') },
  workers: WORKERS_FLAG,
  out: {
    type: 'string',
    describe: 'Where the small case is saved; beside the file, or in this folder, when left out',
    coerce: once('out'),
  },
  json: JSON_FLAG,
  color: COLOUR_FLAG,
} as const;

type ShrinkArguments = InferredOptionTypes<typeof SHRINK_FLAGS> & { readonly what: string };

export const shrinkCommand: CommandModule<object, ShrinkArguments> = {
  command: 'shrink <what>',
  describe: 'Find the smallest case that still fails',
  builder: (yargs) =>
    yargs
      .positional('what', { type: 'string', demandOption: true, describe: "A case file of 'storm --out', or a seed that fails" })
      .options(SHRINK_FLAGS)
      .example('$0 shrink found/failures/01-conservation.json', 'writes 01-conservation.min.json beside it')
      .example('$0 shrink 7 --bug racy-claim', 'seed 7 with a known bug'),
  handler: async (args) => {
    process.exitCode = await interruptible((signal) => shrinkWhat(args, signal));
  },
};

async function shrinkWhat(args: ShrinkArguments, signal: AbortSignal): Promise<number> {
  const { run, path, flags } = await given(args);
  const scenario = find('scenario', catalogue.scenarios, run.scenario);
  const workers = workersOf(args.workers);
  const bounds = {
    runs: args.runs === undefined ? RUNS_DEFAULT : wholeNumber('runs', args.runs, 1, RUNS_MAX),
    wallMs: args.budget === undefined ? Number.POSITIVE_INFINITY : parseDuration('--budget', args.budget) / 1_000,
  };
  await probeWritable(path, 'small case');
  await exploreFirst(signal);
  const pool = new CasePool({ workers, signal });
  try {
    const verdict = await pool.judge(run);
    if (verdict.verdict === 'pass') {
      throw new UsageError(
        `${args.what} passes, so there is nothing to shrink${flags}; 'kelpie-dst storm --out DIR' finds and saves failures`,
      );
    }
    const telling = args.json
      ? {}
      : { onStep: (pass: string, sizes: Sizes, runs: number) => process.stderr.write(`${stepText(pass, sizes, runs)}\n`) };
    const shrunk = await shrink(run, verdict, { pool, scenario, faults: catalogue.faults, bounds, signal, ...telling });
    const rows = await unlessAborted(necessities(shrunk.case, shrunk.verdict, pool, scenario), signal);
    const reproduce = `npx kelpie-dst replay ${path}`;
    // One run more, also when interrupted: what there is gets its story.
    const outcome = await runCase(shrunk.case, { record: true });
    await writeCaseFile(path, {
      case: shrunk.case,
      expected: expectedOf(shrunk.verdict),
      reproduce,
      log: logOf(outcome.trace),
    });
    const colour = wantsColour(args.color, process.stdout, process.env);
    const told = { ...outcome, ...(await specStateOf(outcome, catalogue)), reproduce };
    process.stdout.write(args.json ? documentOf(shrunk, rows, told, path) : textOf(shrunk, rows, told, colour));
    return signal.aborted ? EXIT.interrupted : EXIT.bug;
  } finally {
    await pool.end();
  }
}

/** No rows where the table was interrupted: one that lacks some would be taken for whole. */
async function unlessAborted(rows: Promise<readonly Necessity[]>, signal: AbortSignal): Promise<readonly Necessity[]> {
  try {
    return await rows;
  } catch (error) {
    if (signal.aborted) return [];
    throw error;
  }
}

interface Given {
  readonly run: Case;
  /** Where the small case goes. */
  readonly path: string;
  /** What else may have been meant, when the case passes. */
  readonly flags: string;
}

async function given({ what, scenario, bug, out }: ShrinkArguments): Promise<Given> {
  if (isWrittenAsSeed(what)) {
    const run = seedCase(what, { scenario, bug });
    const name = [run.scenario, ...(run.bug === undefined ? [] : [run.bug]), what].join('-');
    return { run, path: out ?? `${name}.min.json`, flags: run.bug === undefined ? '' : ` with bug ${run.bug}` };
  }
  refuseSeedFlags(what, { scenario, bug });
  const { case: run } = await readSavedCase(what);
  return { run, path: out ?? `${what.replace(/\.json$/, '')}.min.json`, flags: '; the code has changed since it was saved' };
}

const stepText = (pass: string, { operations, faults, nodes, clients }: Sizes, runs: number): string =>
  `${grouped(runs).padStart(6)} runs  ${counted(operations, 'operation')}, ${counted(faults, 'fault')}, ${counted(nodes, 'node')}, ${counted(clients, 'client')}  (${pass})`;

function documentOf(shrunk: Shrunk, rows: readonly Necessity[], told: RunReportInput, path: string): string {
  const { fromSeed, from, to, runs, cutShort } = shrunk;
  const necessity = rows.map(({ kind, what, verdict, failsAlike, failing }) => ({
    kind,
    what,
    ownSeed: { verdict: verdict.verdict, invariant: verdict.invariant, failsAlike },
    failing,
    of: NECESSITY_SEEDS,
  }));
  const document = {
    ...judgedRun(told),
    seed: shrunk.case.seed,
    fromSeed,
    from,
    to,
    runs,
    minimal: cutShort === undefined,
    cutShort: cutShort ?? null,
    necessity,
    saved: path,
    reproduce: told.reproduce,
    case: shrunk.case,
  };
  return `${JSON.stringify(document, undefined, 2)}\n`;
}

function textOf(shrunk: Shrunk, rows: readonly Necessity[], told: RunReportInput, colour: boolean): string {
  const reporter = terminal({ colour });
  return `${reporter.opening?.(shrunk.case) ?? ''}${reporter.report(told)}${shrunkText(shrunk, rows)}`;
}
