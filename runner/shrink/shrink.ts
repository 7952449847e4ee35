/**
 * From a failing case to the smallest one found that breaks the same promise, and for each thing left in it what happens without it.
 * Bounded by runs, so that the outcome is the same on a slow machine; a bound of wall time is for those who cannot wait.
 */
import type { Fault } from '../../faults/fault.js';
import type { Scenario } from '../../scenarios/scenario.js';
import type { Case, Seed } from '../../src/run.js';
import type { CasePool } from '../case-pool.js';
import type { CaseVerdict } from '../case-verdict.js';
import { runCase } from '../run-case.js';
import { type Bounds, Minimiser } from './minimiser.js';
import { COARSE_PASSES, DECISIONS_PASS, FINE_PASSES, type NamedPass, SEEDS_PASS } from './passes.js';

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
  /** Sites at which the program takes a rare way. */
  readonly rareWays: number;
  /** Choices of the schedule other than the first ready event, where they are recorded. */
  readonly decisions: number;
  readonly chaosMicros: number;
}

export interface Shrunk {
  readonly case: Case;
  readonly verdict: CaseVerdict;
  /** The case may have another seed than it began with, where that one fails with less. */
  readonly fromSeed: Seed;
  readonly from: Sizes;
  readonly to: Sizes;
  readonly runs: number;
  /** Why it ended before nothing more could be left out; undefined when nothing can. */
  readonly cutShort: CutShort | undefined;
}

/** `bound`: so many runs, or so much wall time, were allowed. */
export type CutShort = 'bound' | 'interrupted';

/** Resolves to the smallest case found, also when it is interrupted; that is the given one where nothing can be left out. */
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
  try {
    while (simpler) {
      while (await round(COARSE_PASSES));
      simpler = (await round(FINE_PASSES)) && (await round(COARSE_PASSES));
      simpler ||= await simplify(SEEDS_PASS);
    }
    await simplify(DECISIONS_PASS);
  } catch (error) {
    if (signal?.aborted !== true) throw error;
  }
  return {
    case: minimiser.best,
    verdict: minimiser.verdict,
    fromSeed: from.seed,
    from: sizesOf(from, scenario),
    to: sizesOf(minimiser.best, scenario),
    runs: minimiser.runs,
    cutShort: signal?.aborted === true ? 'interrupted' : minimiser.exhausted ? 'bound' : undefined,
  };
}

function sizesOf({ workload, faults, knobs, choices = {}, strategy, chaosMicros }: Case, { knobs: ranges = {} }: Scenario): Sizes {
  return {
    operations: workload.operations.length,
    faults: faults.length,
    nodes: workload.nodes,
    clients: workload.clients,
    knobs: Object.keys(knobs).filter((name) => ranges[name]?.normal !== knobs[name]).length,
    rareWays: Object.keys(choices).length,
    decisions: strategy.kind === 'replay' ? strategy.decisions.filter((choice) => choice !== 0).length : 0,
    chaosMicros,
  };
}
