/** The bound is compared with a count that is brought up to date when a call leaves: calls that come together all pass it. */
import type { Admission } from '../../src/kelpie/intake.js';
import type { ActorKey } from '../../src/kelpie/ids.js';
import { kelpieBug } from './bug.js';

class LateAdmission implements Admission {
  readonly #max: number;
  readonly #pending = new Map<ActorKey, number>();
  /** What is compared. */
  readonly #known = new Map<ActorKey, number>();

  constructor(max: number) {
    this.#max = max;
  }

  enter(actor: ActorKey): number | undefined {
    if ((this.#known.get(actor) ?? 0) >= this.#max) return undefined;
    const pending = (this.#pending.get(actor) ?? 0) + 1;
    this.#pending.set(actor, pending);
    return pending;
  }

  leave(actor: ActorKey): void {
    const pending = (this.#pending.get(actor) ?? 0) - 1;
    this.#pending.set(actor, pending);
    this.#known.set(actor, pending);
  }
}

export const pendingUnbounded = kelpieBug({
  id: 'pending-unbounded',
  summary: 'the bound of pending calls is not enforced when calls come together',
  parts: () => ({ admission: (config) => new LateAdmission(config.pendingPerActor) }),
});
