/**
 * Which of the faults that fired in a storm mattered: for each, runs in which it fired are done again with it muted, until one goes
 * another way. A fault that never does is one that only seemed to be there.
 */
import { z } from 'zod';
import type { Catalogue } from '../catalogue.js';
import { caseAt, type Plan } from './plan.js';
import type { PotencyPool } from './potency-pool.js';
import type { Steps } from './potency-worker.js';

/** Runs tried for a fault before it is called impotent: most matter in the first or second, clocks in one of five. */
export const POTENCY_TRIES = 24;

export const POTENCY_SCHEMA = z.strictObject({
  id: z.string(),
  /** Runs that were tried with it muted. */
  tried: z.int().min(0),
  potent: z.boolean(),
});

export type Potency = Readonly<z.infer<typeof POTENCY_SCHEMA>>;

/** `firedAt`: for each fault, the first positions at which it fired. Does not depend on the number of workers. */
export async function potencies(
  plan: Plan,
  firedAt: ReadonlyMap<string, readonly number[]>,
  catalogue: Catalogue,
  pool: Pick<PotencyPool, 'stepsOf' | 'differs'>,
): Promise<readonly Potency[]> {
  const wholes = new Map<number, Promise<Steps | undefined>>();
  const wholeAt = (position: number): Promise<Steps | undefined> => {
    const known = wholes.get(position) ?? pool.stepsOf(caseAt(plan, position, catalogue));
    wholes.set(position, known);
    return known;
  };
  const shared = sharing(firedAt);
  return Promise.all(
    [...firedAt.keys()].sort().map(async (id) => {
      const positions = [...(firedAt.get(id) ?? [])].sort(shared).slice(0, POTENCY_TRIES);
      for (const [nth, position] of positions.entries()) {
        const run = caseAt(plan, position, catalogue);
        const labels = run.faults.filter((fault) => fault.id === id).map(({ label }) => label);
        const whole = await wholeAt(position);
        // One that does not come to its end has nothing to compare.
        if (whole !== undefined && (await pool.differs(run, labels, whole))) return { id, tried: nth + 1, potent: true };
      }
      return { id, tried: positions.length, potent: false };
    }),
  );
}

/**
 * Runs that have many faults in common come first, as few as show them all: each of them is done again whole, once for all its faults.
 * The greedy cover of sets.
 */
function sharing(firedAt: ReadonlyMap<string, readonly number[]>): (a: number, b: number) => number {
  const idsAt = new Map<number, string[]>();
  for (const [id, positions] of firedAt) for (const position of positions) idsAt.set(position, [...(idsAt.get(position) ?? []), id]);
  const inOrder = [...idsAt.keys()].sort((a, b) => a - b);
  const ranks = new Map<number, number>();
  const left = new Set([...firedAt].filter(([, positions]) => positions.length > 0).map(([id]) => id));
  while (left.size > 0) {
    let best = { position: -1, shows: 0 };
    for (const position of inOrder) {
      const shows = (idsAt.get(position) ?? []).filter((id) => left.has(id)).length;
      if (shows > best.shows) best = { position, shows };
    }
    for (const id of idsAt.get(best.position) ?? []) left.delete(id);
    ranks.set(best.position, ranks.size);
  }
  const rankOf = (position: number): number => ranks.get(position) ?? ranks.size;
  return (a, b) => rankOf(a) - rankOf(b) || a - b;
}
