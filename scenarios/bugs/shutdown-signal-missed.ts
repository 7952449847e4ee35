/** The wish to stop wakes whoever waits for it and is not kept: one that comes before anyone waits is lost, and the node runs on. */
import type { StopSignal } from '../../src/kelpie/stop-signal.js';
import { kelpieBug } from './bug.js';

class FleetingStopSignal implements StopSignal {
  #raised = false;
  readonly #waiters: (() => void)[] = [];

  get raised(): boolean {
    return this.#raised;
  }

  raise(): void {
    for (const resolve of this.#waiters.splice(0)) {
      this.#raised = true;
      resolve();
    }
  }

  wait(): Promise<void> {
    return new Promise((resolve) => this.#waiters.push(resolve));
  }
}

export const shutdownSignalMissed = kelpieBug({
  id: 'shutdown-signal-missed',
  summary: 'a shutdown notice sent before anyone waits for it is lost',
  parts: () => ({ stopSignal: () => new FleetingStopSignal() }),
});
