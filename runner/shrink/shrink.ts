/**
 * From a failing case to the smallest one found that breaks the same promise, and for each thing left in it what happens without it.
 * Bounded by runs, so that the outcome is the same on a slow machine; a bound of wall time is for those who cannot wait.
 */
import type { Fault } from '../../faults/fault.js';
import type { Scenario } from '../../scenarios/scenario.js';
import type { Case, Seed } from '../../src/run.js';
import type { CasePool } from '../case-pool.js';
import { type CaseVerdict, failsAlike } from '../case-verdict.js';
import { runCase } from '../run-case.js';
import { seedAfter } from '../seed.js';
import { type Bounds, Minimiser } from './minimiser.js';
import { COARSE_PASSES, DECISIONS_PASS, FINE_PASSES, type NamedPass } from './passes.js';

export interface ShrinkOptions {
  readonly pool: CasePool;
  readonly scenario: Scenario;
  readonly faults: readonly Fault[];
  readonly bounds: Bounds;
  /** The module that exports the catalogue; the project's own when absent. */
  readonly catalogueUrl?: URL;
  readonly signal?: AbortSignal;
  /** Told after each step, with the name of what was made simpler. */
  readonly onStep?: (pass: string, sizes: Sizes, runs: number) => void;
}

/** How large a case is. */
export interface Sizes {
  readonly operations: number;
  readonly faults: number;
  readonly nodes: number;
  readonly clients: number;
  /** Knobs off their normal values. */
  readonly knobs: number;
  /** Choices of the schedule other than the first ready event, where they are recorded. */
  readonly decisions: number;
  readonly chaosMicros: number;
}

export interface Shrunk {
  readonly case: Case;
  readonly verdict: CaseVerdict;
  readonly from: Sizes;
  readonly to: Sizes;
  readonly runs: number;
  /** True when nothing more could be left out; false when a bound was reached. */
  readonly minimal: boolean;
}

/** Resolves to the smallest case found; that is the given one where nothing can be left out. */
export async function shrink(from: Case, verdict: CaseVerdict, options: ShrinkOptions): Promise<Shrunk> {
  const { pool, scenario, faults, bounds, catalogueUrl, signal, onStep } = options;
  const minimiser = new Minimiser(from, verdict, (run) => pool.judge(run), pool.workers, bounds);
  const decisionsOf = async (run: Case): Promise<readonly number[]> => {
    const recorded = await runCase(run, {
      record: true,
      ...(catalogueUrl === undefined ? {} : { catalogueUrl }),
      ...(signal === undefined ? {} : { signal }),
    });
    return recorded.run.decisions ?? [];
  };
  const simplify = async ([name, pass]: NamedPass): Promise<boolean> => {
    const taken = await pass(minimiser, { scenario, faults, decisionsOf });
    if (taken) onStep?.(name, sizesOf(minimiser.best, scenario), minimiser.runs);
    return taken;
  };
  const round = async (passes: readonly NamedPass[]): Promise<boolean> => {
    let taken = false;
    for (const pass of passes) taken = (await simplify(pass)) || taken;
    return taken;
  };
  // A case that was recorded is already as simple as its decisions let it be.
  const wasRecorded = from.strategy.kind === 'replay';
  let simpler = !wasRecorded;
  while (simpler) {
    while (await round(COARSE_PASSES));
    simpler = (await round(FINE_PASSES)) && (await round(COARSE_PASSES));
  }
  await simplify(DECISIONS_PASS);
  return {
    case: minimiser.best,
    verdict: minimiser.verdict,
    from: sizesOf(from, scenario),
    to: sizesOf(minimiser.best, scenario),
    runs: minimiser.runs,
    minimal: !minimiser.exhausted,
  };
}

function sizesOf({ workload, faults, knobs, strategy, chaosMicros }: Case, { knobs: ranges = {} }: Scenario): Sizes {
  return {
    operations: workload.operations.length,
    faults: faults.length,
    nodes: workload.nodes,
    clients: workload.clients,
    knobs: Object.keys(knobs).filter((name) => ranges[name]?.normal !== knobs[name]).length,
    decisions: strategy.kind === 'replay' ? strategy.decisions.filter((choice) => choice !== 0).length : 0,
    chaosMicros,
  };
}

/** One thing of a case, and what happens without it. */
export interface Necessity {
  readonly kind: 'everything' | 'fault' | 'operation' | 'knob' | 'schedule';
  readonly what: string;
  /** With the case's own seed. */
  readonly verdict: CaseVerdict;
  /** Of `NECESSITY_SEEDS` other seeds, how many fail alike. Other seeds have other latencies, schedules and chances. */
  readonly failing: number;
}

export const NECESSITY_SEEDS = 20;

/** What happens without each thing that is left, and, in the first row, with all of them. */
export async function necessities(run: Case, verdict: CaseVerdict, pool: CasePool, scenario: Scenario): Promise<readonly Necessity[]> {
  const rows: Necessity[] = [];
  for (const { kind, what, without } of thingsOf(run, scenario)) {
    const seeds = Array.from({ length: NECESSITY_SEEDS }, (_, nth) => otherSeed(run.seed, nth));
    const cases = [without, ...seeds.map((seed) => ({ ...without, seed, strategy: freely(without) }))];
    const verdicts = await Promise.all(cases.map((one) => pool.judge(one)));
    const [own, ...others] = verdicts as [CaseVerdict, ...CaseVerdict[]]; // one for each case
    rows.push({ kind, what, verdict: own, failing: others.filter((other) => failsAlike(verdict, other)).length });
  }
  return rows;
}

/** Recorded decisions mean nothing with another seed. */
const freely = ({ strategy }: Case): Case['strategy'] => (strategy.kind === 'replay' ? { kind: 'random' } : strategy);

/** Numbers count up, or down from the largest one. */
const otherSeed = (seed: Seed, nth: number): Seed =>
  typeof seed === 'number' && seed + nth >= Number.MAX_SAFE_INTEGER ? seed - nth - 1 : seedAfter(seed, nth + 1);

interface Thing {
  readonly kind: Necessity['kind'];
  readonly what: string;
  readonly without: Case;
}

function thingsOf(run: Case, { knobs: ranges = {} }: Scenario): readonly Thing[] {
  const { faults, workload, knobs } = run;
  const operations = workload.operations.map((operation, index): Thing => {
    const { client, atMicros, kind, ...rest } = operation;
    return {
      kind: 'operation',
      what: `c${client} at ${(atMicros / 1_000_000).toFixed(3)} s: ${kind} ${JSON.stringify(rest)}`,
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
  return [
    { kind: 'everything', what: 'with everything', without: run },
    ...faults.map(
      (fault): Thing => ({
        kind: 'fault',
        what: fault.label,
        without: { ...run, faults: faults.filter((other) => other !== fault) },
      }),
    ),
    ...operations,
    ...turned,
    ...(run.strategy.kind === 'fifo'
      ? []
      : [{ kind: 'schedule', what: run.strategy.kind, without: { ...run, strategy: { kind: 'fifo' } } } as const]),
  ];
}
