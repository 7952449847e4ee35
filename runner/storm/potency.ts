/**
 * Which of the faults that fired in a storm mattered: for each, runs in which it fired are done again with it muted, until one goes
 * another way. A fault that never does is one that only seemed to be there.
 */
import { z } from 'zod';
import type { Case } from '../../src/run.js';
import type { Catalogue } from '../catalogue.js';
import { caseAt, type Plan } from './plan.js';
import type { PotencyPool } from './potency-pool.js';
import type { Steps } from './potency-worker.js';

/**
 * Runs tried for a fault before it is called impotent: most matter in the first or second, clocks in one of five, few connections in one
 * of twenty.
 */
export const POTENCY_TRIES = 100;

export const POTENCY_SCHEMA = z.strictObject({
  id: z.string(),
  /** Runs that were tried with it muted. */
  tried: z.int().min(0),
  potent: z.boolean(),
});

export type Potency = Readonly<z.infer<typeof POTENCY_SCHEMA>>;

/** A run in which a fault fired. */
export interface FiredRun {
  readonly position: number;
  readonly events: number;
}

/** A run of the storm, and what it tells with no fault muted: nothing when it does not come to its end. */
interface Whole {
  readonly run: Case;
  readonly steps: Steps | undefined;
}

/** `firedAt`: for each fault, the first runs in which it fired. Does not depend on the number of workers. */
export async function potencies(
  plan: Plan,
  firedAt: ReadonlyMap<string, readonly FiredRun[]>,
  catalogue: Catalogue,
  pool: Pick<PotencyPool, 'stepsOf' | 'differs'>,
): Promise<readonly Potency[]> {
  const wholes = new Map<number, Promise<Whole>>();
  const makeWhole = async (position: number): Promise<Whole> => {
    const run = caseAt(plan, position, catalogue);
    return { run, steps: await pool.stepsOf(run) };
  };
  const wholeAt = (position: number): Promise<Whole> => {
    const whole = wholes.get(position) ?? makeWhole(position);
    wholes.set(position, whole);
    return whole;
  };
  const shared = sharing(firedAt);
  return Promise.all(
    [...firedAt.keys()].sort().map(async (id) => {
      const runs = [...(firedAt.get(id) ?? [])].sort(shared).slice(0, POTENCY_TRIES);
      for (const [nth, { position }] of runs.entries()) {
        const { run, steps } = await wholeAt(position);
        const labels = run.faults.filter((fault) => fault.id === id).map(({ label }) => label);
        if (steps !== undefined && (await pool.differs(run, labels, steps))) return { id, tried: nth + 1, potent: true };
      }
      return { id, tried: runs.length, potent: false };
    }),
  );
}

/**
 * Runs that show many faults in few events come first, as few as show all faults: each of them is done again whole, once for all its
 * faults. The greedy cover of sets by cost.
 */
function sharing(firedAt: ReadonlyMap<string, readonly FiredRun[]>): (a: FiredRun, b: FiredRun) => number {
  const shown = new Map<number, { readonly events: number; readonly ids: string[] }>();
  for (const [id, runs] of firedAt) {
    for (const { position, events } of runs) {
      const one = shown.get(position) ?? { events, ids: [] };
      one.ids.push(id);
      shown.set(position, one);
    }
  }
  const inOrder = [...shown].sort(([a], [b]) => a - b);
  const ranks = new Map<number, number>();
  const left = new Set([...firedAt].filter(([, runs]) => runs.length > 0).map(([id]) => id));
  while (left.size > 0) {
    let best = { position: -1, worth: 0, ids: [] as readonly string[] };
    for (const [position, { events, ids }] of inOrder) {
      // A run that died tells of no event.
      const worth = ids.filter((id) => left.has(id)).length / Math.max(1, events);
      if (worth > best.worth) best = { position, worth, ids };
    }
    for (const id of best.ids) left.delete(id);
    ranks.set(best.position, ranks.size);
  }
  const rankOf = ({ position }: FiredRun): number => ranks.get(position) ?? ranks.size;
  return (a, b) => rankOf(a) - rankOf(b) || a.position - b.position;
}
