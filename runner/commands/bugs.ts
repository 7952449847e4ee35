/** `bugs`: how many seeds it takes to find each known bug, and whether its spec knows it too. */
import { readFileSync } from 'node:fs';
import writeFileAtomic from 'write-file-atomic';
import type { CommandModule, InferredOptionTypes } from 'yargs';
import type { KnownBug } from '../../scenarios/bugs/bug.js';
import { EXIT } from '../../src/run.js';
import { type Detection, detectionHeading, detectionLine, detectionOf, detectionPage, runsMediansOf } from '../bugs/detection.js';
import { baseOf, hunt, type HuntOptions } from '../bugs/hunt.js';
import { catalogue, find } from '../catalogue.js';
import { exploreFirst } from '../conformance/explore-first.js';
import { WORKERS_FLAG, once, wholeNumber, workersOf } from '../flags.js';
import { interruptible } from '../interrupt.js';
import { parseSeed } from '../seed.js';
import { WatchedPool } from '../watched-pool.js';
import { type CheckRow, checkOne } from '../tla/check-all.js';
import { embeddedChecker } from '../tla/embedded.js';
import { readSpecs } from '../tla/spec-catalogue.js';
import { UsageError } from '../usage-error.js';

const SEEDS_DEFAULT = 100;
const SEEDS_MAX = 1_000_000;
const STORMS_DEFAULT = 5;
const STORMS_MAX = 1_000;
const FROM_DEFAULT = '1000000';
/** What a page says is found within so many runs, a gate demands: all of them together must not take CI long. */
const QUICK_RUNS_MAX = 100;

export const BUGS_FLAGS = {
  seeds: {
    type: 'string',
    describe: `Seeds of one storm at most, each in every scenario; ${SEEDS_DEFAULT} when left out`,
    coerce: once('seeds'),
  },
  storms: {
    type: 'string',
    describe: `Storms against each bug, from different first seeds; ${STORMS_DEFAULT} when left out`,
    coerce: once('storms'),
  },
  from: {
    type: 'string',
    describe: `The first seed of the first storm; ${FROM_DEFAULT} when left out, later ones a million apart`,
    coerce: once('from'),
  },
  scenario: {
    type: 'string',
    array: true,
    requiresArg: true,
    describe: "Id of a scenario ('list scenarios'); may be repeated; all when left out, in turns",
  },
  workers: WORKERS_FLAG,
  out: { type: 'string', describe: 'Write the table to this file, as Markdown', coerce: once('out') },
  gate: {
    type: 'string',
    describe: `Only the bugs that the table in this file says are found within ${QUICK_RUNS_MAX} runs: each must be found again`,
    coerce: once('gate'),
  },
  json: { type: 'boolean', default: false, describe: 'Print one JSON array on stdout and nothing else' },
} as const;

type BugsArguments = InferredOptionTypes<typeof BUGS_FLAGS> & { ids: string[] | undefined };

export const bugsCommand: CommandModule<object, BugsArguments> = {
  command: 'bugs [ids..]',
  describe: 'Find the known bugs: storms against each, and how many seeds they took',
  builder: (yargs) =>
    yargs
      .positional('ids', { type: 'string', array: true, describe: "Known bugs ('list bugs'); all when left out" })
      .options(BUGS_FLAGS)
      .example('$0 bugs racy-claim', 'five storms against one bug')
      .example('$0 bugs --out docs/detection.md', 'the table of all bugs'),
  handler: async (args) => {
    process.exitCode = await interruptible((signal) => bugs(args, signal));
  },
};

async function bugs(args: BugsArguments, signal: AbortSignal): Promise<number> {
  const asked = bugsOf(args);
  const names = args.scenario ?? catalogue.scenarios.map(({ id }) => id);
  const scenarios = [...new Set(names)].map((id) => find('scenario', catalogue.scenarios, id).id);
  const workers = workersOf(args.workers);
  await exploreFirst(signal);
  const pool = new WatchedPool({ workers, signal });
  const options: HuntOptions = {
    catalogue,
    scenarios,
    storms: args.storms === undefined ? STORMS_DEFAULT : wholeNumber('storms', args.storms, 1, STORMS_MAX),
    seeds: args.seeds === undefined ? SEEDS_DEFAULT : wholeNumber('seeds', args.seeds, 1, SEEDS_MAX),
    from: parseSeed(args.from ?? FROM_DEFAULT),
    pool,
    signal,
  };
  const tell = (text: string): void => void (args.json || process.stdout.write(text));
  const rows: Detection[] = [];
  tell(detectionHeading());
  try {
    // One bug a thread; rows are told in order.
    const waiting = new Map<number, Detection>();
    let next = 0;
    const work = async (): Promise<void> => {
      for (let at = next++; at < asked.length; at = next++) {
        const bug = asked[at];
        if (bug === undefined) return;
        waiting.set(at, detectionOf(bug, await hunt(bug.id, options), await specCheckOf(bug)));
        for (let row = waiting.get(rows.length); row !== undefined; row = waiting.get(rows.length)) {
          rows.push(row);
          tell(detectionLine(row));
        }
      }
    };
    await Promise.all(Array.from({ length: workers }, work));
  } catch (error) {
    // What there is by then is told and written.
    if (!signal.aborted) throw error;
  } finally {
    await pool.end();
  }
  if (args.json) process.stdout.write(`${JSON.stringify(rows, undefined, 2)}\n`);
  if (args.out !== undefined) {
    const bases = Array.from({ length: options.storms }, (_, storm) => baseOf(options.from, storm));
    await writeFileAtomic(args.out, detectionPage(rows, { ...options, bases, untried: asked.slice(rows.length).map(({ id }) => id) }));
  }
  const missed = rows.filter(({ found }) => !found);
  const disagreed = rows.filter(({ agrees }) => agrees === false);
  tell(`${rows.length - missed.length} of ${asked.length} known bugs are found${summaryOf(missed, disagreed)}\n`);
  if (rows.length < asked.length) return EXIT.interrupted;
  return missed.length === 0 ? EXIT.clean : EXIT.bug;
}

const summaryOf = (missed: readonly Detection[], disagreed: readonly Detection[]): string =>
  [
    ...(missed.length === 0 ? [] : [`; not found: ${missed.map(({ id }) => id).join(', ')}`]),
    ...(disagreed.length === 0 ? [] : [`; the model checker does not agree: ${disagreed.map(({ id }) => id).join(', ')}`]),
  ].join('');

/** The bugs that the flags ask for. */
function bugsOf({ ids = [], gate }: BugsArguments): readonly KnownBug[] {
  const named = [...new Set(ids)].map((id) => find('bug', catalogue.bugs, id));
  const asked = named.length === 0 ? catalogue.bugs : named;
  if (gate === undefined) return asked;
  const medians = runsMediansOf(readPage(gate));
  const quick = asked.filter(({ id }) => (medians.get(id) ?? Number.POSITIVE_INFINITY) <= QUICK_RUNS_MAX);
  if (quick.length === 0)
    throw new UsageError(`--gate ${gate}: it has no bug that is found within ${QUICK_RUNS_MAX} runs; write it by 'bugs --out ${gate}'`);
  return quick;
}

function readPage(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new UsageError(`--gate ${path} cannot be read (${String(error)}); write it by 'bugs --out ${path}'`);
  }
}

/** What the model checker says of the configuration with the same bug. */
async function specCheckOf({ id, spec }: KnownBug): Promise<CheckRow | undefined> {
  if (spec === undefined) return undefined;
  const found = readSpecs().find(({ module }) => module === spec.module);
  const config = found?.bugs.find(({ variant }) => variant === spec.config);
  if (found === undefined || config === undefined) throw new Error(`bug ${id} names ${spec.module}/${spec.config}, which is no spec`);
  return checkOne(embeddedChecker, found, config, {});
}
