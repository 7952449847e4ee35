/**
 * Short arrays of whole numbers below 2^32, cut from long ones. Tens of thousands that are kept, each in memory of its own, would lie
 * between all that runs take and give back, and leave holes that nothing else fits in.
 */
const EMPTY = new Uint32Array(0);
/** Large enough that the system gives it pages of its own. */
const NUMBERS_PER_BLOCK = 32_768;

export class NumberStore {
  #block = EMPTY;
  #used = 0;

  /** An array of zeros, for the caller alone. */
  take(length: number): Uint32Array {
    if (this.#used + length > this.#block.length) {
      this.#block = new Uint32Array(Math.max(NUMBERS_PER_BLOCK, length));
      this.#used = 0;
    }
    const start = this.#used;
    this.#used += length;
    return this.#block.subarray(start, this.#used);
  }

  /** A copy. */
  keep(numbers: ArrayLike<number>): Uint32Array {
    const kept = this.take(numbers.length);
    kept.set(numbers);
    return kept;
  }

  /** What was taken stays whole as long as somebody has it; nothing more is cut from the same block. */
  clear(): void {
    this.#block = EMPTY;
    this.#used = 0;
  }
}
