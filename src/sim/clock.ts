/**
 * The clocks of a machine, as functions of simulated time: a wall clock that may be skewed, drift, jump, freeze, and a monotonic
 * clock that may drift but never goes back. They belong to the machine and survive its processes.
 */
import type { Micros } from '../ports.js';

/** Wall time at simulated time zero: 2026-01-01T00:00:00Z. */
export const WALL_EPOCH_MICROS: Micros = 1_767_225_600_000_000;

const MILLION = 1_000_000;

export class NodeClock {
  /** Simulated time at which the present rate began, and what the clocks showed then. */
  #since: Micros = 0;
  #monotonicThen: Micros;
  #wallThen: Micros;
  #driftPpm = 0;
  #wallFrozen = false;

  /** @param monotonicStart origin of the monotonic clock; differs between machines, as uptime does. */
  constructor(monotonicStart: Micros) {
    this.#monotonicThen = monotonicStart;
    this.#wallThen = WALL_EPOCH_MICROS;
  }

  monotonicMicros(now: Micros): Micros {
    return this.#monotonicThen + this.#elapsed(now);
  }

  wallMicros(now: Micros): Micros {
    return this.#wallFrozen ? this.#wallThen : this.#wallThen + this.#elapsed(now);
  }

  /** True time that must pass until the monotonic clock has gone on by `micros`, rounded up. */
  trueMicrosFor(micros: Micros): Micros {
    return this.#driftPpm === 0 ? micros : Math.ceil((micros * MILLION) / (MILLION + this.#driftPpm));
  }

  /** Moves the wall clock; the monotonic clock goes on. */
  jumpWall(now: Micros, micros: Micros): void {
    this.#rebase(now);
    this.#wallThen += micros;
  }

  /** From now on both clocks gain this many parts per million (lose, when negative). */
  setDrift(now: Micros, partsPerMillion: number): void {
    this.#rebase(now);
    this.#driftPpm = partsPerMillion;
  }

  setWallFrozen(now: Micros, frozen: boolean): void {
    this.#rebase(now);
    this.#wallFrozen = frozen;
  }

  #elapsed(now: Micros): Micros {
    const passed = now - this.#since;
    // The product stays below 2^53 for 100 simulated days at the largest drift allowed.
    return this.#driftPpm === 0 ? passed : passed + Math.floor((passed * this.#driftPpm) / MILLION);
  }

  #rebase(now: Micros): void {
    const monotonic = this.monotonicMicros(now);
    const wall = this.wallMicros(now);
    this.#since = now;
    this.#monotonicThen = monotonic;
    this.#wallThen = wall;
  }
}
