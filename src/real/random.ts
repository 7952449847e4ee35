/**
 * The Random port on the host's cryptographic generator. Nothing here can be repeated from a seed, and a fork is independent because
 * every draw is.
 */
import { randomFillSync } from 'node:crypto';
import type { Random } from '../ports.js';

/** Bytes drawn from the system at once; a system call a draw would cost a microsecond each. */
const POOL_BYTES = 4_096;
const WORD = 2 ** 32;

export class RealRandom implements Random {
  readonly #pool = new DataView(new ArrayBuffer(POOL_BYTES));
  #used = POOL_BYTES;

  int(bound: number): number {
    if (!Number.isSafeInteger(bound) || bound < 1) throw new RangeError(`a random bound is an integer from 1 to 2^53 - 1, not ${bound}`);
    const span = bound <= WORD ? WORD : 2 ** 53;
    // Draws in the last, incomplete stretch are thrown away, or small results would be likelier.
    const fair = span - (span % bound);
    for (;;) {
      const drawn = span === WORD ? this.#word() : (this.#word() >>> 11) * WORD + this.#word();
      if (drawn < fair) return drawn % bound;
    }
  }

  between(min: number, max: number): number {
    if (!Number.isSafeInteger(min) || !Number.isSafeInteger(max) || min > max) {
      throw new RangeError(`a random range is two integers in order, not ${min} to ${max}`);
    }
    return min + this.int(max - min + 1);
  }

  chance(numerator: number, denominator: number): boolean {
    return this.int(denominator) < numerator;
  }

  pick<T>(items: readonly T[]): T {
    if (items.length === 0) throw new RangeError('cannot pick from an empty list');
    return items[this.int(items.length)] as T; // the index is below the length
  }

  shuffle<T>(items: readonly T[]): T[] {
    const rest = [...items];
    const shuffled: T[] = [];
    while (rest.length > 0) {
      const at = this.int(rest.length);
      shuffled.push(rest[at] as T); // the index is below the length
      const last = rest.pop() as T; // the list is not empty
      if (at < rest.length) rest[at] = last;
    }
    return shuffled;
  }

  bytes(length: number): Uint8Array {
    if (!Number.isSafeInteger(length) || length < 0) throw new RangeError(`a number of bytes is an integer from 0, not ${length}`);
    return randomFillSync(new Uint8Array(length));
  }

  fork(_label: string): Random {
    return new RealRandom();
  }

  #word(): number {
    if (this.#used === POOL_BYTES) {
      randomFillSync(this.#pool);
      this.#used = 0;
    }
    const word = this.#pool.getUint32(this.#used);
    this.#used += 4;
    return word;
  }
}
