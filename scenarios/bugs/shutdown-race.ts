/**
 * The intake is closed when the last call has left it. Under load there is always another one: the node goes down with the door open, and
 * a call that comes in meanwhile is neither run nor refused.
 */
import type { Intake } from '../../src/kelpie/intake.js';
import { kelpieBug } from './bug.js';

class LateClosingIntake implements Intake {
  readonly #max: number;
  #open = 0;
  #closed = false;
  readonly #waiters: (() => void)[] = [];

  constructor(max: number) {
    this.#max = max;
  }

  get open(): number {
    return this.#open;
  }

  get closed(): boolean {
    return this.#closed;
  }

  enter(): 'in' | 'closed' | 'full' {
    if (this.#closed) return 'closed';
    if (this.#open >= this.#max) return 'full';
    this.#open += 1;
    return 'in';
  }

  leave(): void {
    this.#open -= 1;
    if (this.#open > 0 || this.#waiters.length === 0) return;
    this.#closed = true;
    for (const resolve of this.#waiters.splice(0)) resolve();
  }

  close(): Promise<void> {
    if (this.#open > 0) return new Promise((resolve) => this.#waiters.push(resolve));
    this.#closed = true;
    return Promise.resolve();
  }
}

export const shutdownRace = kelpieBug({
  id: 'shutdown-race',
  summary: 'a call accepted during a shutdown is neither run nor refused',
  spec: { module: 'KelpieActorLifecycle', config: 'DeactivateWithPending' },
  parts: () => ({ intake: (config) => new LateClosingIntake(config.mailbox) }),
});
