/** `storm`: many seeds on worker threads, and what their failures have in common. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import writeFileAtomic from 'write-file-atomic';
import type { CommandModule, InferredOptionTypes } from 'yargs';
import { z } from 'zod';
import { github } from '../../reports/github.js';
import { junit } from '../../reports/junit.js';
import { stormJson } from '../../reports/storm-json.js';
import { stormTerminal } from '../../reports/storm-terminal.js';
import { EXIT, PROFILES, type Seed } from '../../src/run.js';
import { catalogue, DEFAULT_SCENARIO, find } from '../catalogue.js';
import { exploreFirst } from '../conformance/explore-first.js';
import { parseDuration } from '../duration.js';
import { COLOUR_FLAG, JSON_FLAG, WORKERS_FLAG, once, oneOf, wantsColour, wholeNumber, workersOf } from '../flags.js';
import { interruptible } from '../interrupt.js';
import { parseSeed } from '../seed.js';
import type { SharedStorm } from '../shared-storm/shared-storm.js';
import { handIn, Shrinkers, stoppedOf } from '../shared-storm/sharing.js';
import { batchSize } from '../storm/batches.js';
import { Gathered } from '../storm/gathered.js';
import { type Plan, runAt, runCommandOf, runsOf } from '../storm/plan.js';
import { PotencyPool } from '../storm/potency-pool.js';
import { potencies, type Potency, POTENCY_SCHEMA } from '../storm/potency.js';
import { progressView } from '../storm/progress-view.js';
import { saveFailures } from '../storm/save-failures.js';
import { Store, type StoredBatch } from '../storm/store.js';
import { runStorm, type Stopped } from '../storm/storm.js';
import { isBad, type Tally } from '../storm/tally.js';
import { UsageError } from '../usage-error.js';
import { WatchedPool } from '../watched-pool.js';

const SEEDS_DEFAULT = 1_000;
const SEEDS_MAX = 100_000_000;
const QUEUE_NAME_DEFAULT = 'storm';
const SHOW_EVERY_MS = 1_000;
const POTENCIES = z.array(POTENCY_SCHEMA).readonly();
/** 5 % of the runs are done twice, unless all are. */
const TWIN_ONE_IN = 20;

export const STORM_FLAGS = {
  scenario: {
    type: 'string',
    array: true,
    requiresArg: true,
    describe: `Id of a scenario ('list scenarios'); may be repeated; ${DEFAULT_SCENARIO} when left out`,
  },
  all: { type: 'boolean', default: false, describe: 'Every scenario, in turns' },
  seeds: { type: 'string', describe: `How many seeds, each in every scenario; ${SEEDS_DEFAULT} when left out`, coerce: once('seeds') },
  from: {
    type: 'string',
    describe: 'The first seed, a number or a git hash; seeds count up from it; 0 when left out',
    coerce: once('from'),
  },
  'from-git': { type: 'boolean', default: false, describe: 'Take the commit that is checked out here as the first seed' },
  workers: WORKERS_FLAG,
  budget: { type: 'string', describe: 'Wall time, such as 10m, after which no more seeds are begun', coerce: once('budget') },
  'fail-fast': { type: 'boolean', default: false, describe: 'Begin no more seeds after the first failure' },
  shard: { type: 'string', describe: 'Only every n-th seed, such as 2/4 for the second of four machines', coerce: once('shard') },
  queue: {
    type: 'string',
    describe: 'Share the storm with other machines that call the same command, through this Redis: redis://host:port[/database]',
    coerce: once('queue'),
  },
  'queue-name': {
    type: 'string',
    describe: `Name of the shared storm, the same on all its machines; '${QUEUE_NAME_DEFAULT}' when left out`,
    coerce: once('queue-name'),
  },
  out: { type: 'string', describe: 'Folder for results, reports (JSON, JUnit) and the first failure of each group', coerce: once('out') },
  shrink: { type: 'boolean', default: true, describe: 'Make the failures that --out keeps smaller; --no-shrink saves that time' },
  resume: { type: 'boolean', default: false, describe: 'Go on with the storm in --out that was cut short' },
  twin: { type: 'boolean', default: false, describe: `Do every run twice, in place of one in ${TWIN_ONE_IN}; both must be equal` },
  profile: { type: 'string', describe: `Which faults are drawn: ${PROFILES.join(', ')}; swarm when left out`, coerce: once('profile') },
  bug: { type: 'string', describe: "Put this known bug into the program ('list bugs')", coerce: once('bug') },
  json: JSON_FLAG,
  color: COLOUR_FLAG,
} as const;

type StormArguments = InferredOptionTypes<typeof STORM_FLAGS>;

export const stormCommand: CommandModule<object, StormArguments> = {
  command: 'storm',
  describe: 'Run many seeds on worker threads and group their failures',
  builder: (yargs) =>
    yargs
      .options(STORM_FLAGS)
      .example('$0 storm --seeds 200', 'two hundred seeds of the whole cluster')
      .example('$0 storm --all --from-git --budget 10m --json', 'as CI does for a commit')
      .example('$0 storm --seeds 100000 --queue redis://redis.lan:6379 --out found', 'one storm, on each machine that says so'),
  handler: async (args) => {
    process.exitCode = await interruptible((signal) => storm(args, signal));
  },
};

async function storm(args: StormArguments, signal: AbortSignal): Promise<number> {
  const plan = await planOf(args);
  const gathered = new Gathered(plan.scenarios);
  if (args.queue === undefined) return stormOn(args, plan, gathered, signal);
  // Loaded only where it is asked for: it is large.
  const { joinStorm } = await import('../shared-storm/join-storm.js');
  const shared = await joinStorm(args.queue, args['queue-name'] ?? QUEUE_NAME_DEFAULT, {
    plan,
    batch: batchSize(args['fail-fast']),
    gathered,
    signal,
  });
  try {
    const code = await stormOn(args, plan, gathered, signal, shared);
    // What was found is told and kept by now.
    shared.lost.throwIfAborted();
    return code;
  } finally {
    await shared.leave();
  }
}

async function stormOn(args: StormArguments, plan: Plan, gathered: Gathered, signal: AbortSignal, shared?: SharedStorm): Promise<number> {
  const workers = workersOf(args.workers);
  const budgetMs = args.budget === undefined ? undefined : parseDuration('--budget', args.budget) / 1_000;
  const { tally, done } = gathered;
  const kept: StoredBatch[] = [];
  const store = await storeOf(args, plan, (batch) => {
    gathered.add(batch.results, batch.visits);
    if (shared !== undefined) kept.push(batch);
  });
  gathered.keepIn(store);
  await exploreFirst(signal);
  if (shared !== undefined) await handIn(kept, gathered, shared);
  const before = tally.runs;
  const failFast = args['fail-fast'];
  const view = progressView(runsOf(plan), before, process.stderr, args.json);
  const showing = setInterval(() => view.update(tally.runs, tally.failed), SHOW_EVERY_MS);
  const reproduce = (scenario: string, seed: Seed): string => runCommandOf(plan, scenario, seed);
  const begunMs = performance.now();
  const ends = shared === undefined ? signal : AbortSignal.any([signal, shared.lost]);
  const pool = new WatchedPool({ workers, signal: ends });
  const running = (): Promise<Stopped | undefined> =>
    runStorm(plan, {
      catalogue,
      workers,
      pool,
      signal: ends,
      failFast,
      twinOneIn: args.twin ? 1 : TWIN_ONE_IN,
      done,
      // A failure of another machine ends this one's storm too.
      ...(shared === undefined ? {} : { source: { take: (mayBegin) => shared.take(() => mayBegin() && !(failFast && tally.failed > 0)) } }),
      ...(budgetMs === undefined ? {} : { budgetMs }),
      async onResults(results, visits) {
        // At once, so that nothing is lost with the Redis.
        gathered.add(results, visits);
        view.update(tally.runs, tally.failed);
        if (shared === undefined) return;
        try {
          await shared.put(results, visits);
        } finally {
          // Where another machine was first, the log has said so by now.
          gathered.add(results, [], shared.machine);
        }
        if (failFast && tally.failed > 0) await shared.stop();
      },
    });
  let stopped: Stopped | undefined;
  let potency: readonly Potency[] | undefined;
  try {
    try {
      // The first failure may have been in the part that is resumed.
      stopped = failFast && tally.failed > 0 ? 'fail-fast' : await running();
      if (shared !== undefined) stopped = await stoppedOf(shared, stopped, plan, gathered, signal);
    } finally {
      clearInterval(showing);
      view.end();
      gathered.seal();
      store?.close();
    }
    const wholePlan = stopped === undefined && tally.coverage(plan).decides;
    if (wholePlan) potency = await potencyOf(plan, tally, pool, signal, shared);
  } finally {
    await pool.end();
  }
  const report = tally.report(plan, catalogue, {
    stopped,
    wallMs: performance.now() - begunMs,
    runs: tally.runs - before,
    commandOf: reproduce,
    ...(shared === undefined ? {} : { machines: gathered.machines() }),
    ...(potency === undefined ? {} : { potency }),
  });
  const reporter = args.json ? stormJson : stormTerminal({ colour: wantsColour(args.color, process.stdout, process.env) });
  process.stdout.write(reporter.report(report));
  if (!args.json && process.env['GITHUB_ACTIONS'] === 'true') process.stdout.write(github.report(report));
  if (store !== undefined) {
    await writeFileAtomic(store.path('report.json'), stormJson.report(report));
    await writeFileAtomic(store.path('junit.xml'), junit.report(report));
    const shrinkers = shared === undefined ? undefined : new Shrinkers(shared);
    const saved = await saveFailures(store.path('failures'), plan, tally.examples(), {
      catalogue,
      commandOf: reproduce,
      signal,
      ...(args.shrink ? { shrinkWorkers: workers } : {}),
      ...(shrinkers === undefined ? {} : { claims: (example) => shrinkers.claims(example) }),
    });
    if (!args.json) process.stdout.write(savedText(store.folder, saved, [...(shrinkers?.others ?? [])]));
  }
  if (signal.aborted) return EXIT.interrupted;
  return isBad(report) ? EXIT.bug : EXIT.clean;
}

async function potencyOf(
  plan: Plan,
  tally: Tally,
  pool: WatchedPool,
  signal: AbortSignal,
  shared: SharedStorm | undefined,
): Promise<readonly Potency[] | undefined> {
  if (shared === undefined) return potencyHere(plan, tally, pool, signal);
  try {
    return await shared.once('potency', POTENCIES, () => potencyHere(plan, tally, pool, signal));
  } catch (error) {
    if (shared.lost.aborted) return undefined;
    throw error;
  }
}

async function potencyHere(plan: Plan, tally: Tally, pool: WatchedPool, signal: AbortSignal): Promise<readonly Potency[] | undefined> {
  try {
    return await potencies(plan, tally.firedAt, catalogue, new PotencyPool(pool));
  } catch (error) {
    // The storm itself is done, and is told.
    if (signal.aborted) return undefined;
    throw error;
  }
}

async function storeOf(args: StormArguments, plan: Plan, onBatch: (batch: StoredBatch) => void): Promise<Store | undefined> {
  if (args.out !== undefined) return args.resume ? Store.resume(args.out, plan, onBatch) : Store.begin(args.out, plan);
  if (args.resume) throw new UsageError('--resume goes on with the storm in a folder; name it by --out');
  return undefined;
}

function savedText(folder: string, saved: readonly string[], shrinkers: readonly string[]): string {
  if (saved.length === 0) return `\nReports are in ${folder}\n`;
  return [
    '',
    `Reports are in ${folder}. The smallest failure of each group, with its story beside it as .txt:`,
    ...saved.map((path) => `  npx kelpie-dst replay ${path}`),
    ...(shrinkers.length === 0
      ? []
      : [`Made smaller on ${shrinkers.join(', ')}, if --out names a folder there; or by kelpie-dst shrink FILE.`]),
    '',
  ].join('\n');
}

/** The storm that the flags ask for. Throws UsageError for flags that are wrong, or contradict each other. */
async function planOf(args: StormArguments): Promise<Plan> {
  if (args.all && args.scenario !== undefined)
    throw new UsageError('--all has every scenario, and --scenario some; leave one of the two out');
  if (args['from-git'] && args.from !== undefined)
    throw new UsageError('--from and --from-git both name the first seed; leave one of the two out');
  const asked = args.all ? catalogue.scenarios.map(({ id }) => id) : (args.scenario ?? [DEFAULT_SCENARIO]);
  if (args.queue !== undefined && args.shard !== undefined)
    throw new UsageError('--queue deals the seeds out, and --shard names those of one machine; leave one of the two out');
  if (args.queue === undefined && args['queue-name'] !== undefined)
    throw new UsageError('--queue-name names a storm that is shared; name the Redis that shares it by --queue');
  const plan: Plan = {
    scenarios: [...new Set(asked)].map((id) => find('scenario', catalogue.scenarios, id).id),
    profile: args.profile === undefined ? 'swarm' : oneOf('profile', PROFILES, args.profile),
    bug: args.bug === undefined ? null : find('bug', catalogue.bugs, args.bug).id,
    from: args['from-git'] ? await headCommit() : args.from === undefined ? 0 : parseSeed(args.from),
    seeds: args.seeds === undefined ? SEEDS_DEFAULT : wholeNumber('seeds', args.seeds, 1, SEEDS_MAX),
    shard: args.shard === undefined ? { index: 1, of: 1 } : shardOf(args.shard),
  };
  if (plan.shard.of > plan.seeds)
    throw new UsageError(`--shard ${args.shard}: ${plan.seeds} seeds cannot be shared among ${plan.shard.of}; ask for more --seeds`);
  // The last seed is reached by counting up too; it is better refused now.
  runAt(plan, runsOf(plan) - 1);
  return plan;
}

function shardOf(text: string): Plan['shard'] {
  const [, index = 0, of = 0] = (/^(\d{1,6})\/(\d{1,6})$/.exec(text) ?? []).map(Number);
  if (index < 1 || index > of) throw new UsageError(`--shard '${text}' is none; write i/n with i from 1 to n, such as 2/4`);
  return { index, of };
}

async function headCommit(): Promise<Seed> {
  const { stdout } = await promisify(execFile)('git', ['rev-parse', '--verify', 'HEAD']).catch((error: Error) => {
    throw new UsageError(
      `--from-git: git tells no commit here (${error.message.trim().split('\n').at(-1)}); call it in a clone, or name the first seed by --from`,
    );
  });
  return parseSeed(stdout.trim());
}
