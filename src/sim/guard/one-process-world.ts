/** For tests: the smallest simulation that a guard can be installed in, one process with a clock, timers and chance. */
import type { Micros, Random, Timer } from '../../ports.js';
import { macrotask } from '../drain.js';
import { Guard, type Ambient, type AmbientUse, type GuardMode } from '../guard.js';
import { randomOf } from '../random.js';

interface PendingTimer {
  readonly at: Micros;
  readonly callback: () => void;
}

const EVENTS_MAX = 10_000;

/** The wall clock reads this when the monotonic one reads 0: 2030-01-02T03:04:05.678901Z. */
export const WALL_START_MICROS = 1_893_553_445_678_901;

export class OneProcessWorld {
  /** Monotonic. */
  now: Micros = 0;
  /** What was refused so far. */
  readonly refused: AmbientUse[] = [];
  readonly guard: Guard;
  readonly #random: Random;
  readonly #ambient: Ambient;
  #pending: PendingTimer[] = [];
  #inside = false;

  constructor(mode: GuardMode, seed = '1') {
    this.#random = randomOf(seed);
    this.#ambient = {
      node: 'n1',
      wallMicros: () => WALL_START_MICROS + this.now,
      monotonicMicros: () => this.now,
      after: (micros, callback) => this.#after(micros, callback),
      random: this.#random,
    };
    this.guard = new Guard({
      mode,
      current: () => (this.#inside ? this.#ambient : undefined),
      refused: (use) => void this.refused.push(use),
    });
  }

  #after(micros: Micros, callback: () => void): Timer {
    const timer = { at: this.now + micros, callback };
    this.#pending.push(timer);
    return { cancel: () => void (this.#pending = this.#pending.filter((pending) => pending !== timer)) };
  }

  /** How many timers wait. */
  get pending(): number {
    return this.#pending.length;
  }

  /** Runs synchronous code as the process. The guard must be installed. */
  inside<T>(code: () => T): T {
    const before = this.#inside;
    this.#inside = true;
    try {
      return code();
    } finally {
      this.#inside = before;
    }
  }

  /** Runs code as the process until its promise settles, however long the real world takes for it. */
  async insideUntilSettled<T>(code: () => Promise<T>): Promise<T> {
    this.#inside = true;
    try {
      return await code();
    } finally {
      this.#inside = false;
    }
  }

  /** Runs synchronous code as the process, with the guard installed for as long. */
  guarded<T>(code: () => T): T {
    this.guard.install();
    try {
      return this.inside(code);
    } finally {
      this.guard.uninstall();
    }
  }

  /** Runs the code as the process until its promise settles, firing timers in the order of their times whenever it waits. */
  async live<T>(code: () => T | Promise<T>): Promise<T> {
    this.guard.install();
    this.#inside = true;
    try {
      let settled = false;
      const result = Promise.resolve(code()).finally(() => {
        settled = true;
      });
      result.catch(() => undefined);
      for (let events = 0; ; events++) {
        await new Promise<void>((resolve) => macrotask(resolve));
        if (settled) return await result;
        const next = this.#pending.reduce<PendingTimer | undefined>(
          (first, timer) => (first && first.at <= timer.at ? first : timer),
          undefined,
        );
        if (next === undefined) throw new Error('the process waits for something that no timer will bring');
        if (events === EVENTS_MAX) throw new Error(`the process still waits after ${EVENTS_MAX} timers`);
        this.#pending = this.#pending.filter((timer) => timer !== next);
        this.now = next.at;
        next.callback();
      }
    } finally {
      this.#inside = false;
      this.guard.uninstall();
    }
  }
}
