/**
 * Which of the faults that fired in a storm mattered: for each, runs in which it fired are done again with it muted, until one goes
 * another way. A fault that never does is one that only seemed to be there.
 */
import { z } from 'zod';
import type { Catalogue } from '../catalogue.js';
import type { CasePool } from '../case-pool.js';
import { caseAt, type Plan } from './plan.js';

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
  pool: CasePool,
): Promise<readonly Potency[]> {
  const wholes = new Map<number, Promise<string>>();
  const wholeAt = (position: number): Promise<string> => {
    const known = wholes.get(position) ?? pool.judge(caseAt(plan, position, catalogue)).then(({ effects }) => effects);
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
        const [whole, without] = await Promise.all([wholeAt(position), pool.judge(run, labels)]);
        if (without.effects !== whole) return { id, tried: nth + 1, potent: true };
      }
      return { id, tried: positions.length, potent: false };
    }),
  );
}

/** Runs in which many faults fired come first: each of them is done again whole, once for all its faults. */
function sharing(firedAt: ReadonlyMap<string, readonly number[]>): (a: number, b: number) => number {
  const faults = new Map<number, number>();
  for (const position of [...firedAt.values()].flat()) faults.set(position, (faults.get(position) ?? 0) + 1);
  const at = (position: number): number => faults.get(position) ?? 0;
  return (a, b) => at(b) - at(a) || a - b;
}
