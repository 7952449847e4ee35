/** A set of numbers below a bound, for coverage: states and steps of a graph are numbered from 0. */
import type { NumberStore } from './number-store.js';

export class Bits {
  readonly #words: Uint32Array;

  /**
   * Of the numbers from 0 to before `size`.
   * @param store where its memory is taken from; memory of its own when absent.
   */
  constructor(
    readonly size: number,
    store?: NumberStore,
  ) {
    const length = Math.ceil(size / 32);
    this.#words = store === undefined ? new Uint32Array(length) : store.take(length);
  }

  /** `ids` ascending or not, each below `size`. */
  static of(size: number, ids: Iterable<number>, store?: NumberStore): Bits {
    const bits = new Bits(size, store);
    for (const id of ids) bits.add(id);
    return bits;
  }

  has(id: number): boolean {
    return (((this.#words[id >>> 5] ?? 0) >>> (id & 31)) & 1) === 1;
  }

  add(id: number): void {
    const at = id >>> 5;
    this.#words[at] = (this.#words[at] ?? 0) | (1 << (id & 31));
  }

  /** Takes in every member of the other, which has the same size. */
  union(other: Bits): void {
    for (let at = 0; at < this.#words.length; at++) this.#words[at] = (this.#words[at] ?? 0) | (other.#words[at] ?? 0);
  }

  count(): number {
    let count = 0;
    for (const word of this.#words) {
      let left = word;
      while (left !== 0) {
        left &= left - 1;
        count++;
      }
    }
    return count;
  }

  /** Ascending. */
  ids(): number[] {
    const ids: number[] = [];
    for (let at = 0; at < this.#words.length; at++) {
      let left = this.#words[at] ?? 0;
      while (left !== 0) {
        const lowest = 31 - Math.clz32(left & -left);
        ids.push(at * 32 + lowest);
        left &= left - 1;
      }
    }
    return ids;
  }

  /** Bytes that it takes. */
  get bytes(): number {
    return this.#words.byteLength;
  }
}
