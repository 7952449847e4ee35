/**
 * A shutdown waits until no call is open, and takes that for a closed door. Nobody has closed it: a call that comes in while claims are
 * given back and the node leaves is accepted, and the node goes down over it, which neither runs nor refuses it.
 */
import { CountingIntake, type Intake } from '../../src/kelpie/intake.js';
import { kelpieBug } from './bug.js';

class DrainedIntake implements Intake {
  readonly #calls: CountingIntake;
  readonly #waiters: (() => void)[] = [];
  readonly closed = false;

  constructor(max: number) {
    this.#calls = new CountingIntake(max);
  }

  get open(): number {
    return this.#calls.open;
  }

  enter(depth: number): 'in' | 'closed' | 'full' {
    return this.#calls.enter(depth);
  }

  leave(depth: number): void {
    this.#calls.leave(depth);
    if (this.open === 0) for (const resolve of this.#waiters.splice(0)) resolve();
  }

  close(): Promise<void> {
    return this.open === 0 ? Promise.resolve() : new Promise((resolve) => this.#waiters.push(resolve));
  }
}

export const shutdownRace = kelpieBug({
  id: 'shutdown-race',
  summary: 'a call accepted during a shutdown is neither run nor refused',
  spec: { module: 'KelpieActorLifecycle', config: 'DeactivateWithPending' },
  parts: () => ({ intake: (config) => new DrainedIntake(config.mailbox) }),
});
