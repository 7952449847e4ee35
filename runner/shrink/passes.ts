/** What can be made simpler in a case, each by itself. Nothing here knows what a scenario means by its operations. */
import { integer } from 'fast-check';
import type { Fault } from '../../faults/fault.js';
import { type Scenario, serverIds } from '../../scenarios/scenario.js';
import type { TraceValue } from '../../src/ports.js';
import type { Case, FaultDraw, Operation, Workload } from '../../src/run.js';
import { isPlainNetwork, PLAIN_NETWORK, PLAIN_QUANTUM_MICROS } from '../plain-world.js';
import type { Minimiser } from './minimiser.js';
import { THINGS_IN_DETAIL_MAX, thingsOf, withOtherSeeds } from './necessity.js';

export interface Parts {
  readonly scenario: Scenario;
  readonly faults: readonly Fault[];
  /** The schedule decisions of a case, as it is run; empty when it has none. */
  readonly decisionsOf: (run: Case) => Promise<readonly number[]>;
}

/** Makes one thing of the best case simpler; says whether it did. */
export type Pass = (minimiser: Minimiser, parts: Parts) => Promise<boolean>;

/** Shrinking goes into single numbers only where few operations are left. */
const OPERATIONS_IN_DETAIL_MAX = 16;
/** Simpler values tried for one number. */
const VALUES_MAX = 2;
const DECISIONS_MAX = 100_000;

const without = <T>(list: readonly T[], index: number): T[] => [...list.slice(0, index), ...list.slice(index + 1)];
const replaced = <T>(list: readonly T[], index: number, item: T): T[] => [...list.slice(0, index), item, ...list.slice(index + 1)];
const mapValues = <T, U>(record: Readonly<Record<string, T>>, of: (value: T) => U): Record<string, U> =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, of(value)]));
const withOperations = (run: Case, operations: readonly Operation[]): Case => ({ ...run, workload: { ...run.workload, operations } });
const withFaults = (run: Case, faults: readonly FaultDraw[]): Case => ({ ...run, faults });

const fewerFaults: Pass = (minimiser) => minimiser.thinOut((run) => run.faults, withFaults);

const fewerOperations: Pass = (minimiser) => minimiser.thinOut((run) => run.workload.operations, withOperations);

/** Whatever a fault calls simpler, the simplest first. */
const milderFaults: Pass = async (minimiser, { faults }) => {
  let taken = false;
  for (const { label } of minimiser.best.faults) {
    const took = await minimiser.takeAll(function* (best) {
      const index = best.faults.findIndex((drawn) => drawn.label === label);
      const drawn = best.faults[index];
      if (drawn === undefined) return;
      const simpler = faults.find(({ id }) => id === drawn.id)?.shrink(drawn.params) ?? [];
      for (const params of simpler) yield withFaults(best, replaced(best.faults, index, { ...drawn, params }));
    });
    taken ||= took;
  }
  return taken;
};

const normalKnobs: Pass = (minimiser, { scenario }) => {
  const ranges = scenario.knobs ?? {};
  const turned = (run: Case): readonly string[] =>
    Object.keys(run.knobs)
      .sort()
      .filter((name) => ranges[name] !== undefined && ranges[name].normal !== run.knobs[name]);
  return minimiser.thinOut(turned, (run, kept) => {
    const back = turned(run).filter((name) => !kept.includes(name));
    return { ...run, knobs: { ...run.knobs, ...Object.fromEntries(back.map((name) => [name, ranges[name]?.normal ?? 0])) } };
  });
};

const fewerRareWays: Pass = (minimiser) =>
  minimiser.thinOut(
    ({ choices = {} }) => Object.keys(choices).sort(),
    (run, kept) => ({ ...run, choices: Object.fromEntries(Object.entries(run.choices ?? {}).filter(([site]) => kept.includes(site))) }),
  );

const plainWorld: Pass = (minimiser) =>
  minimiser.takeAll(function* (best) {
    if (!isPlainNetwork(best.network)) yield { ...best, network: PLAIN_NETWORK };
    if (best.quantumMicros !== PLAIN_QUANTUM_MICROS) yield { ...best, quantumMicros: PLAIN_QUANTUM_MICROS };
    if (best.strategy.kind !== 'fifo') yield { ...best, strategy: { kind: 'fifo' } };
  });

/**
 * Operations that name what is left out are given what is kept instead, for whoever asks nobody fails, and may break the same promise
 * for that reason alone. One that would name the same thing twice, such as a transfer to itself, is left out as well.
 */
function redirected(operations: readonly Operation[], gone: readonly TraceValue[], kept: TraceValue): Operation[] {
  return operations.flatMap((operation) => {
    let redirects = false;
    let names = 0;
    const redirect = (value: TraceValue): TraceValue => {
      if (Array.isArray(value)) return value.map(redirect);
      if (typeof value === 'object' && value !== null) return mapValues(value as Readonly<Record<string, TraceValue>>, redirect);
      const isGone = typeof value === 'string' && gone.includes(value);
      redirects ||= isGone;
      const named = isGone ? kept : value;
      if (named === kept) names++;
      return named;
    };
    const changed: Operation = { ...operation, ...mapValues(operation, redirect) };
    if (!redirects) return [operation];
    return names > 1 ? [] : [changed];
  });
}

/** Fewer nodes and clients, and shorter lists of what they work on. */
const smallerWorld: Pass = (minimiser) =>
  minimiser.takeAll(function* (best) {
    const { workload } = best;
    const smaller = (change: Readonly<Record<string, Workload[string]>>): Case => ({ ...best, workload: { ...workload, ...change } });
    for (let clients = 1; clients < workload.clients; clients++) {
      const operations = workload.operations.map((operation) => ({ ...operation, client: Math.min(operation.client, clients) }));
      yield smaller({ clients, operations });
    }
    const [first = '', ...others] = serverIds(workload);
    for (let nodes = 1; nodes < workload.nodes; nodes++) {
      yield smaller({ nodes, operations: redirected(workload.operations, others.slice(nodes - 1), first) });
    }
    for (const name of Object.keys(workload).sort()) {
      const list: unknown = workload[name];
      // With nothing to work on a workload is no longer one that its scenario would draw.
      if (name === 'operations' || !Array.isArray(list) || list.length <= 1) continue;
      for (let index = list.length - 1; index >= 0; index--) {
        const items = list as readonly TraceValue[];
        const kept = without(items, index);
        yield smaller({
          [name]: kept,
          operations: redirected(workload.operations, items.slice(index, index + 1), kept[0] ?? null),
        });
      }
    }
  });

/** Everything sooner: half of all times, and no chaos after the last thing that happens in it. */
const lessTime: Pass = (minimiser) =>
  minimiser.takeAll(function* (best) {
    const { workload, faults, chaosMicros } = best;
    const lastMicros = Math.max(
      0,
      ...workload.operations.map(({ atMicros }) => atMicros),
      ...faults.map(({ params }) => params.startMicros + params.durationMicros),
    );
    if (lastMicros + 1_000 < chaosMicros) yield { ...best, chaosMicros: lastMicros + 1_000 };
    const half = (micros: number): number => Math.floor(micros / 2);
    if (chaosMicros > 2_000) {
      const operations = workload.operations.map((operation) => ({ ...operation, atMicros: half(operation.atMicros) }));
      const sooner = faults.map((drawn) => ({ ...drawn, params: { ...drawn.params, startMicros: half(drawn.params.startMicros) } }));
      yield { ...withFaults(withOperations(best, operations), sooner), chaosMicros: half(chaosMicros) };
      yield { ...withOperations(best, operations), chaosMicros };
      yield { ...withFaults(best, sooner), chaosMicros };
    }
  });

/** The whole numbers of operations, as fast-check makes integers smaller: none, or half of it, and again. The exact bound would explain no more. */
const smallerNumbers: Pass = async (minimiser) => {
  let taken = false;
  const { length } = minimiser.best.workload.operations;
  for (let index = 0; index < length && length <= OPERATIONS_IN_DETAIL_MAX; index++) {
    for (const name of Object.keys(minimiser.best.workload.operations[index] ?? {}).sort()) {
      if (name !== 'client' && (await minimiser.takeAll((best) => withSmaller(best, index, name)))) taken = true;
    }
  }
  return taken;
};

function* withSmaller(best: Case, index: number, name: string): Iterable<Case> {
  const { operations } = best.workload;
  const operation = operations[index];
  const value = operation?.[name];
  if (operation === undefined || typeof value !== 'number' || !Number.isSafeInteger(value) || value <= 0) return;
  for (const { value: smaller } of integer({ min: 0, max: value }).shrink(value, undefined).take(VALUES_MAX)) {
    yield withOperations(best, replaced(operations, index, { ...operation, [name]: smaller }));
  }
}

/**
 * What this seed cannot spare, chance may do for another: without each thing, the other seeds that the table of necessity tries. So that
 * nothing is left there without which some of them still fail.
 */
const luckierSeeds: Pass = (minimiser, { scenario }) =>
  minimiser.takeAll(function* (best) {
    const things = thingsOf(best, scenario);
    if (things.length > THINGS_IN_DETAIL_MAX) return;
    for (const thing of things) yield* withOtherSeeds(thing.without);
  });

/** Where order matters: as few choices other than the first ready event as can be. */
const fewerDecisions: Pass = async (minimiser, { decisionsOf }) => {
  if (minimiser.best.strategy.kind === 'fifo') return false;
  const decisions = await decisionsOf(minimiser.best);
  if (decisions.length === 0 || decisions.length > DECISIONS_MAX) return false;
  const replaying = (choices: readonly number[]): Case => ({
    ...minimiser.best,
    strategy: { kind: 'replay', decisions: trimmed(choices) },
  });
  if (minimiser.best.strategy.kind !== 'replay' && !(await minimiser.takeFirst([replaying(decisions)]))) return false;
  const choicesOf = (run: Case): readonly number[] => (run.strategy.kind === 'replay' ? run.strategy.decisions : []);
  const taken = (run: Case): readonly number[] => choicesOf(run).flatMap((choice, index) => (choice === 0 ? [] : [index]));
  return minimiser.thinOut(taken, (run, kept) => {
    const keeps = new Set(kept);
    return {
      ...run,
      strategy: { kind: 'replay', decisions: trimmed(choicesOf(run).map((choice, index) => (keeps.has(index) ? choice : 0))) },
    };
  });
};

/** Where a list of decisions has ended the first ready event is taken, so zeros at its end say nothing. */
function trimmed(decisions: readonly number[]): readonly number[] {
  const last = decisions.findLastIndex((choice) => choice !== 0);
  return decisions.slice(0, last + 1);
}

export type NamedPass = readonly [name: string, pass: Pass];

/** In this order, again and again until none finds anything: what takes most away comes first. */
export const COARSE_PASSES: readonly NamedPass[] = [
  ['faults', fewerFaults],
  ['operations', fewerOperations],
  ['schedule, grid and network', plainWorld],
  ['knobs', normalKnobs],
  ['rare ways', fewerRareWays],
  ['nodes and clients', smallerWorld],
  ['time', lessTime],
];

/** When those find nothing more; what they take may let those find more. */
export const FINE_PASSES: readonly NamedPass[] = [
  ['magnitudes', milderFaults],
  ['numbers', smallerNumbers],
];

/** When nothing more can be left out with this seed: each try costs as many runs as there are seeds. */
export const SEEDS_PASS: NamedPass = ['another seed', luckierSeeds];

/** Last, for recorded decisions fit no other case. */
export const DECISIONS_PASS: NamedPass = ['decisions', fewerDecisions];
