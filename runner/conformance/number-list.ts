/** A list of whole numbers below 2^32 that is filled, read and emptied over and over, in memory of its own that never grows. */
export class NumberList {
  readonly #numbers: Uint32Array;
  #length = 0;

  constructor(lengthMax: number) {
    this.#numbers = new Uint32Array(lengthMax);
  }

  get length(): number {
    return this.#length;
  }

  /** Throws RangeError when it is full: numbers beyond it would be lost silently. */
  push(number: number): void {
    if (this.#length === this.#numbers.length) throw new RangeError(`a list of ${this.#numbers.length} numbers is full`);
    this.#numbers[this.#length++] = number;
  }

  /** 0 where there is none. */
  at(index: number): number {
    return index < this.#length ? (this.#numbers[index] ?? 0) : 0;
  }

  /** As it is now: the next `clear` and `push` write over it. */
  view(): Uint32Array {
    return this.#numbers.subarray(0, this.#length);
  }

  clear(): void {
    this.#length = 0;
  }
}
