/** For each thing in a case, what happens without it: with the case's own seed, and with others. */
import { clockTime, describeNetwork, describeStrategy, duration, fieldsOf } from '../../reports/text.js';
import type { Scenario } from '../../scenarios/scenario.js';
import type { Case, Seed } from '../../src/run.js';
import type { CasePool } from '../case-pool.js';
import { type CaseVerdict, failsAlike } from '../case-verdict.js';
import { isPlainNetwork, PLAIN_NETWORK, PLAIN_QUANTUM_MICROS } from '../plain-world.js';
import { seedAfter } from '../seed.js';

/** One thing of a case, and what happens without it. */
export interface Necessity {
  readonly kind: 'everything' | 'bug' | Thing['kind'];
  readonly what: string;
  /** With the case's own seed. */
  readonly verdict: CaseVerdict;
  /** Whether it then still fails as the case does. */
  readonly failsAlike: boolean;
  /** Of `NECESSITY_SEEDS` other seeds, which have other latencies, schedules and chances, how many fail alike; null where too much is left to try them. */
  readonly failing: number | null;
}

export const NECESSITY_SEEDS = 20;
/** With more things left than these, other seeds for each of them take longer than they tell. */
export const THINGS_IN_DETAIL_MAX = 20;

/** What happens without each thing that is left, the known bug among them, and, in the first row, with all of them. */
export async function necessities(run: Case, verdict: CaseVerdict, pool: CasePool, scenario: Scenario): Promise<readonly Necessity[]> {
  const everything = { kind: 'everything', what: 'with everything', without: run } as const;
  const { bug, ...correct } = run;
  const bugged = bug === undefined ? [] : [{ kind: 'bug', what: `bug ${bug}`, without: correct } as const];
  const things = thingsOf(run, scenario);
  const inDetail = things.length <= THINGS_IN_DETAIL_MAX;
  const rows: Necessity[] = [];
  for (const { kind, what, without } of [everything, ...bugged, ...things]) {
    const verdicts = await Promise.all([without, ...(inDetail ? withOtherSeeds(without) : [])].map((one) => pool.judge(one)));
    const [own, ...others] = verdicts as [CaseVerdict, ...CaseVerdict[]]; // one for each case
    const failing = inDetail ? others.filter((other) => failsAlike(verdict, other)).length : null;
    rows.push({ kind, what, verdict: own, failsAlike: failsAlike(verdict, own), failing });
  }
  return rows;
}

/** The case with each of `NECESSITY_SEEDS` other seeds. */
export function withOtherSeeds(run: Case): readonly Case[] {
  return Array.from({ length: NECESSITY_SEEDS }, (_, nth) => ({ ...run, seed: otherSeed(run.seed, nth), strategy: freely(run) }));
}

/** Recorded decisions mean nothing with another seed. */
const freely = ({ strategy }: Case): Case['strategy'] => (strategy.kind === 'replay' ? { kind: 'random' } : strategy);

/** Numbers count up, or down from the largest one. */
const otherSeed = (seed: Seed, nth: number): Seed =>
  typeof seed === 'number' && seed + nth >= Number.MAX_SAFE_INTEGER ? seed - nth - 1 : seedAfter(seed, nth + 1);

/** Something that can be taken out of a case. */
export interface Thing {
  readonly kind: 'fault' | 'operation' | 'knob' | 'rare way' | 'network' | 'grid' | 'schedule';
  readonly what: string;
  readonly without: Case;
}

export function thingsOf(run: Case, { knobs: ranges = {} }: Scenario): readonly Thing[] {
  const { faults, workload, knobs, choices = {} } = run;
  const operations = workload.operations.map((operation, index): Thing => {
    const { client, atMicros, kind, ...rest } = operation;
    return {
      kind: 'operation',
      what: `c${client} at ${clockTime(atMicros)} s: ${kind} ${fieldsOf(rest, [])}`,
      without: { ...run, workload: { ...workload, operations: workload.operations.filter((_, other) => other !== index) } },
    };
  });
  const turned = Object.keys(knobs)
    .sort()
    .flatMap((name): Thing[] => {
      const normal = ranges[name]?.normal;
      if (normal === undefined || normal === knobs[name]) return [];
      return [{ kind: 'knob', what: `${name}=${knobs[name]}`, without: { ...run, knobs: { ...knobs, [name]: normal } } }];
    });
  const rareWays = Object.keys(choices)
    .sort()
    .map((site): Thing => {
      const { [site]: _, ...others } = choices;
      return { kind: 'rare way', what: `${site} 1 in ${choices[site]}`, without: { ...run, choices: others } };
    });
  return [
    ...faults.map(
      (fault): Thing => ({
        kind: 'fault',
        what: fault.label,
        without: { ...run, faults: faults.filter((other) => other !== fault) },
      }),
    ),
    ...operations,
    ...turned,
    ...rareWays,
    ...world(run),
  ];
}

/** What the world has that a plain one has not. */
function* world(run: Case): Iterable<Thing> {
  const { network, quantumMicros, strategy } = run;
  if (!isPlainNetwork(network))
    yield { kind: 'network', what: `network ${describeNetwork(network)}`, without: { ...run, network: PLAIN_NETWORK } };
  if (quantumMicros !== PLAIN_QUANTUM_MICROS) {
    yield { kind: 'grid', what: `grid of ${duration(quantumMicros)}`, without: { ...run, quantumMicros: PLAIN_QUANTUM_MICROS } };
  }
  if (strategy.kind !== 'fifo')
    yield { kind: 'schedule', what: `schedule ${describeStrategy(strategy)}`, without: { ...run, strategy: { kind: 'fifo' } } };
}
