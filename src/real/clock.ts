/** The Clock port on the host: the wall clock, the kernel's monotonic clock, and Node's timers. */
import type { Clock, Micros, Timer } from '../ports.js';

/** Node fires a longer timer at once. */
const TIMER_MILLIS_MAX = 2_147_483_647;

export class RealClock implements Clock {
  wallMicros(): Micros {
    return Date.now() * 1_000;
  }

  monotonicMicros(): Micros {
    return Number(process.hrtime.bigint() / 1_000n);
  }

  sleep(micros: Micros): Promise<void> {
    return new Promise((resolve) => {
      this.after(micros, resolve);
    });
  }

  /** Throws RangeError unless `micros` is a safe integer from 0. */
  after(micros: Micros, callback: () => void): Timer {
    if (!Number.isSafeInteger(micros) || micros < 0)
      throw new RangeError(`a time to wait is an integer of microseconds from 0, not ${micros}`);
    const due = this.monotonicMicros() + micros;
    let pending: { clear(): void } | undefined;
    const arm = (): void => {
      const left = due - this.monotonicMicros();
      if (left <= 0 && micros > 0) {
        pending = undefined;
        callback();
        return;
      }
      if (left <= 0) {
        const immediate = setImmediate(callback);
        pending = { clear: () => clearImmediate(immediate) };
        return;
      }
      // Node counts milliseconds and may fire up to one early: the clock decides, and what is left is waited again.
      const timeout = setTimeout(arm, Math.min(Math.ceil(left / 1_000), TIMER_MILLIS_MAX));
      pending = { clear: () => clearTimeout(timeout) };
    };
    arm();
    return {
      cancel: () => {
        pending?.clear();
        pending = undefined;
      },
    };
  }
}
