/** `spec coverage`: how much of each spec a storm visits, and what it never does. */
import type { CommandModule, InferredOptionTypes } from 'yargs';
import { EXIT } from '../../src/run.js';
import { catalogue, DEFAULT_SCENARIO, find } from '../catalogue.js';
import { exploreFirst } from '../conformance/explore-first.js';
import { leastVisited, type VisitedWhere } from '../conformance/unreached.js';
import { VisitCounts } from '../conformance/visits.js';
import { JSON_FLAG, WORKERS_FLAG, once, wholeNumber, workersOf } from '../flags.js';
import { interruptible } from '../interrupt.js';
import { parseSeed } from '../seed.js';
import type { Plan } from '../storm/plan.js';
import { runStorm, type Stopped } from '../storm/storm.js';
import { cachedGraph } from '../tla/graph-cache.js';
import type { Spec } from '../tla/spec-catalogue.js';
import type { StateGraph } from '../tla/state-graph.js';
import { formatState, type TlaState } from '../tla/tla-value.js';
import { specsAsked } from './spec-names.js';

const SEEDS_DEFAULT = 200;
const SEEDS_MAX = 100_000_000;
/** What the text shows of a module, of states and of values; the JSON document has all. */
const STATES_SHOWN_MAX = 2;
const VALUES_SHOWN_MAX = 6;

export const COVERAGE_FLAGS = {
  scenario: {
    type: 'string',
    array: true,
    requiresArg: true,
    describe: `Id of a scenario ('list scenarios'); may be repeated; ${DEFAULT_SCENARIO} when left out`,
  },
  seeds: { type: 'string', describe: `How many seeds, each in every scenario; ${SEEDS_DEFAULT} when left out`, coerce: once('seeds') },
  from: { type: 'string', describe: 'The first seed; 0 when left out', coerce: once('from') },
  workers: WORKERS_FLAG,
  json: JSON_FLAG,
} as const;

type CoverageArguments = InferredOptionTypes<typeof COVERAGE_FLAGS> & { names: string[] | undefined };

export const specCoverageCommand: CommandModule<object, CoverageArguments> = {
  command: 'coverage [names..]',
  describe: 'Run a storm, and say how much of each spec it visits and what it never does',
  builder: (yargs) =>
    yargs
      .positional('names', { type: 'string', array: true, describe: 'Specs, such as KelpieWAL or wal; all when left out' })
      .options(COVERAGE_FLAGS)
      .example('$0 spec coverage --seeds 1000', 'of the whole cluster')
      .example('$0 spec coverage wal --json', 'of the write-ahead log, with every state that was never visited'),
  handler: async (args) => {
    process.exitCode = await interruptible((signal) => coverage(args, signal));
  },
};

interface ModuleCoverage {
  readonly module: string;
  readonly statesVisited: number;
  readonly statesReachable: number;
  readonly transitionsVisited: number;
  readonly transitionsReachable: number;
  readonly statesCertain: number;
  readonly unreached: {
    readonly states: readonly TlaState[];
    /** How many transitions of each action were never taken, of how many. */
    readonly actions: readonly { readonly action: string; readonly never: number; readonly of: number }[];
    /** Where states are missing, the least visited first. */
    readonly values: readonly VisitedWhere[];
  };
}

async function coverage(args: CoverageArguments, signal: AbortSignal): Promise<number> {
  const specs = specsAsked(args.names);
  const asked = (args.scenario ?? [DEFAULT_SCENARIO]).map((id) => find('scenario', catalogue.scenarios, id).id);
  const plan: Plan = {
    scenarios: [...new Set(asked)],
    profile: 'swarm',
    bug: null,
    from: args.from === undefined ? 0 : parseSeed(args.from),
    seeds: args.seeds === undefined ? SEEDS_DEFAULT : wholeNumber('seeds', args.seeds, 1, SEEDS_MAX),
    shard: { index: 1, of: 1 },
  };
  const workers = workersOf(args.workers);
  await exploreFirst(signal);
  const visits = new VisitCounts();
  let runs = 0;
  let failed = 0;
  const stopped: Stopped | undefined = await runStorm(plan, {
    catalogue,
    workers,
    signal,
    onResults(results, visited) {
      visits.add(visited);
      runs += results.length;
      failed += results.filter(({ verdict }) => verdict !== 'pass').length;
    },
  });
  const modules: ModuleCoverage[] = [];
  for (const spec of specs) modules.push(await coverageOf(spec, visits));
  process.stdout.write(args.json ? `${JSON.stringify({ runs, failed, specs: modules }, undefined, 2)}\n` : textOf(runs, failed, modules));
  if (stopped === 'interrupted') return EXIT.interrupted;
  return failed === 0 ? EXIT.clean : EXIT.bug;
}

/** Of a spec that no run was held against, nothing is visited. */
async function coverageOf({ module, good }: Spec, visits: VisitCounts): Promise<ModuleCoverage> {
  const graph = await cachedGraph(good.model);
  const figures = visits.figures()[module];
  const none = { states: graph.states.map((_, id) => id), transitions: Array.from({ length: graph.steps }, (_, id) => id) };
  const never = figures === undefined ? none : visits.unreached(module);
  return {
    module,
    statesVisited: figures?.statesVisited ?? 0,
    statesReachable: graph.states.length,
    transitionsVisited: figures?.transitionsVisited ?? 0,
    transitionsReachable: graph.steps,
    statesCertain: figures?.statesCertain ?? 0,
    unreached: {
      states: never.states.map((id) => graph.states[id] ?? {}),
      actions: byAction(graph, never.transitions),
      values: leastVisited(graph.states, never.states),
    },
  };
}

function byAction(graph: StateGraph, never: readonly number[]): { action: string; never: number; of: number }[] {
  const counts = graph.actions.map(({ label }) => ({ action: label, never: 0, of: 0 }));
  for (let step = 0; step < graph.steps; step++) bump(counts[graph.actionOf(step)], 'of');
  for (const step of never) bump(counts[graph.actionOf(step)], 'never');
  return counts.filter((count) => count.never > 0);
}

function bump(count: { never: number; of: number } | undefined, field: 'never' | 'of'): void {
  if (count !== undefined) count[field]++;
}

function textOf(runs: number, failed: number, modules: readonly ModuleCoverage[]): string {
  const lines = [row('spec', 'states', 'of', '', 'transitions', 'of', '', 'certain')];
  for (const one of modules) {
    lines.push(
      row(
        one.module,
        String(one.statesVisited),
        String(one.statesReachable),
        share(one.statesVisited, one.statesReachable),
        String(one.transitionsVisited),
        String(one.transitionsReachable),
        share(one.transitionsVisited, one.transitionsReachable),
        String(one.statesCertain),
      ),
    );
  }
  for (const { module, unreached } of modules) {
    const untaken = unreached.actions.filter((action) => action.never === action.of).map(({ action }) => action);
    if (untaken.length > 0) lines.push('', `${module} never takes ${untaken.join(', ')}`);
    if (unreached.states.length === 0) continue;
    const values = unreached.values.slice(0, VALUES_SHOWN_MAX);
    lines.push('', `${module} visits the least of the states with`);
    for (const { where, visited, reachable } of values) lines.push(`  ${where.padEnd(WHERE_WIDTH)} ${visited} of ${reachable}`);
    const shown = spread(unreached.states, STATES_SHOWN_MAX).map((state) => `  ${formatState(state)}`);
    const more = unreached.states.length - shown.length;
    lines.push(`${module} is never in`, ...shown, ...(more === 0 ? [] : [`  and ${more} more; --json has all`]));
  }
  lines.push('', `${runs} runs, ${failed} failed. A state counts when some explanation of what a run told goes through it, and as certain`);
  lines.push('when at some moment it was the only one.');
  return `${lines.join('\n')}\n`;
}

/** So many of them, as far from each other as can be: neighbours differ in little. */
const spread = <T>(items: readonly T[], most: number): readonly T[] =>
  items.filter((_, at) => items.length <= most || at % Math.ceil(items.length / most) === 0);

const WHERE_WIDTH = 36;
const share = (part: number, whole: number): string => `${Math.floor((100 * part) / whole)} %`;

const row = (module: string, ...texts: readonly string[]): string =>
  `${module.padEnd(24)}${texts.map((text, at) => text.padStart(at % 3 === 2 ? 6 : 12)).join('')}`.trimEnd();
