/** What a storm does differently where it is shared. */
import type { Gathered } from '../storm/gathered.js';
import { type Plan, runsOf } from '../storm/plan.js';
import type { SeedResult } from '../storm/seed-result.js';
import type { StoredBatch } from '../storm/store.js';
import type { Stopped } from '../storm/storm.js';
import type { SharedStorm } from './shared-storm.js';

/**
 * Hears what the others have found by now, and hands over what they do not know: what a folder has from before is part of the storm, also
 * where Redis has lost it. Throws UsageError when the Redis is lost.
 */
export async function handIn(kept: readonly StoredBatch[], gathered: Gathered, shared: SharedStorm): Promise<void> {
  await shared.sync();
  for (const { results, visits } of kept) {
    const unknown = results.filter(({ position }) => !gathered.isShared(position));
    await shared.put(unknown, visits);
  }
}

/** Hears what the others had to say until now. Why the storm has not come to its end then, if so; `own` is why this machine stopped. */
export async function stoppedOf(
  shared: SharedStorm,
  own: Stopped | undefined,
  plan: Plan,
  { done }: Gathered,
  signal: AbortSignal,
): Promise<Stopped | undefined> {
  try {
    // The failure may be another machine's, whose command has no --fail-fast.
    if (own === 'fail-fast') await shared.stop();
    await shared.sync();
  } catch (error) {
    if (!shared.lost.aborted) throw error;
  }
  if (done.size >= runsOf(plan)) return undefined;
  if (signal.aborted) return 'interrupted';
  if (shared.lost.aborted) return 'queue-lost';
  return shared.isStopped ? 'fail-fast' : own;
}

/** Which failures this machine makes smaller: each is claimed by one, and the names of the others are kept. */
export class Shrinkers {
  readonly others = new Set<string>();
  readonly #shared: SharedStorm;

  constructor(shared: SharedStorm) {
    this.#shared = shared;
  }

  /** False as well when the Redis is lost. */
  async claims({ scenario, signature }: SeedResult): Promise<boolean> {
    if (this.#shared.lost.aborted) return false;
    try {
      const machine = await this.#shared.claim(`shrinks ${scenario} ${signature}`);
      if (machine === this.#shared.machine) return true;
      this.others.add(machine);
    } catch (error) {
      if (!this.#shared.lost.aborted) throw error;
    }
    return false;
  }
}
