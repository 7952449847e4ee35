/** A set of keys as disjoint half-open ranges in order: what a transaction cleared, read, or cannot read. */
export class RangeSet {
  readonly #begins: string[];
  readonly #ends: string[];

  constructor(begins: string[] = [], ends: string[] = []) {
    this.#begins = begins;
    this.#ends = ends;
  }

  get size(): number {
    return this.#begins.length;
  }

  copy(): RangeSet {
    return new RangeSet(this.#begins.slice(), this.#ends.slice());
  }

  /** The ranges in order. */
  *ranges(): Generator<readonly [begin: string, end: string]> {
    for (const [i, begin] of this.#begins.entries()) yield [begin, this.#endAt(i)];
  }

  /** Adds `[begin, end)`; touching ranges become one. */
  add(begin: string, end: string): void {
    if (begin >= end) return;
    const from = this.#firstEndingFrom(begin);
    let to = from;
    let [low, high] = [begin, end];
    while (to < this.#begins.length && this.#beginAt(to) <= end) {
      if (this.#beginAt(to) < low) low = this.#beginAt(to);
      if (this.#endAt(to) > high) high = this.#endAt(to);
      to++;
    }
    this.#begins.splice(from, to - from, low);
    this.#ends.splice(from, to - from, high);
  }

  /** Takes `[begin, end)` out. */
  remove(begin: string, end: string): void {
    if (begin >= end) return;
    const from = this.#firstEndingAfter(begin);
    let to = from;
    const [begins, ends]: [string[], string[]] = [[], []];
    while (to < this.#begins.length && this.#beginAt(to) < end) {
      if (this.#beginAt(to) < begin) {
        begins.push(this.#beginAt(to));
        ends.push(begin);
      }
      if (this.#endAt(to) > end) {
        begins.push(end);
        ends.push(this.#endAt(to));
      }
      to++;
    }
    this.#begins.splice(from, to - from, ...begins);
    this.#ends.splice(from, to - from, ...ends);
  }

  has(key: string): boolean {
    const i = this.#firstEndingAfter(key);
    return i < this.#begins.length && this.#beginAt(i) <= key;
  }

  /** The first range with keys in `[begin, end)`, whole. */
  firstWithin(begin: string, end: string): readonly [begin: string, end: string] | undefined {
    const i = this.#firstEndingAfter(begin);
    return i < this.#begins.length && this.#beginAt(i) < end ? [this.#beginAt(i), this.#endAt(i)] : undefined;
  }

  /** The last range with keys in `[begin, end)`, whole. */
  lastWithin(begin: string, end: string): readonly [begin: string, end: string] | undefined {
    let i = this.#firstEndingAfter(end);
    if (i >= this.#begins.length || this.#beginAt(i) >= end) i--;
    return i >= 0 && this.#endAt(i) > begin ? [this.#beginAt(i), this.#endAt(i)] : undefined;
  }

  /** The parts of `[begin, end)` that are not in the set, in order. */
  *gaps(begin: string, end: string): Generator<readonly [begin: string, end: string]> {
    let at = begin;
    for (let i = this.#firstEndingAfter(begin); i < this.#begins.length && this.#beginAt(i) < end; i++) {
      if (this.#beginAt(i) > at) yield [at, this.#beginAt(i)];
      at = this.#endAt(i);
    }
    if (at < end) yield [at, end];
  }

  #firstEndingFrom(key: string): number {
    let [low, high] = [0, this.#ends.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#endAt(middle) < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #firstEndingAfter(key: string): number {
    let [low, high] = [0, this.#ends.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#endAt(middle) <= key) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  // Callers stay within the arrays' length.
  #beginAt(i: number): string {
    return this.#begins[i] as string;
  }

  #endAt(i: number): string {
    return this.#ends[i] as string;
  }
}
