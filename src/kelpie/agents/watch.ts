/** How long something has looked the same: an observer's own count, on its own monotonic clock, which asks nobody for the time. */
import type { Micros } from '../../ports.js';

/** Names that are watched at once. */
const WATCHED_MAX = 10_000;

interface Seen {
  readonly mark: string;
  readonly sinceMicros: Micros;
}

/** Watches the marks of names over rounds, and forgets the names that a whole round did not show. */
export class Watch {
  #seen = new Map<string, Seen>();
  #before = new Map<string, Seen>();

  /** How long the name has borne this mark without another in between; undefined at its first sight. */
  unchangedMicros(name: string, mark: string, now: Micros): Micros | undefined {
    const before = this.#seen.get(name) ?? this.#before.get(name);
    const same = before?.mark === mark ? before : undefined;
    if (this.#seen.size < WATCHED_MAX) this.#seen.set(name, same ?? { mark, sinceMicros: now });
    return same === undefined ? undefined : now - same.sinceMicros;
  }

  /** Every name there is has been looked at once more. */
  endRound(): void {
    this.#before = this.#seen;
    this.#seen = new Map();
  }
}
