/**
 * Entries by key and in the order of their keys: a Map for point look-ups, and sorted blocks of bounded size for scans. An
 * insertion moves at most one block's pointers, and a scan walks arrays, which is what JavaScript is fast at.
 */
export interface Keyed {
  readonly key: string;
}

/** A block above this is cut in two. */
const BLOCK_MAX = 256;
/** A block below this joins a neighbour when both fit together. */
const BLOCK_MIN = 48;

export class OrderedIndex<Entry extends Keyed> {
  readonly #byKey = new Map<string, Entry>();
  /** None is empty, except the only one. */
  readonly #blocks: Entry[][] = [[]];

  get size(): number {
    return this.#byKey.size;
  }

  get(key: string): Entry | undefined {
    return this.#byKey.get(key);
  }

  /** Adds an entry whose key is not there yet. */
  insert(entry: Entry): void {
    const { key } = entry;
    this.#byKey.set(key, entry);
    const at = this.#blockOf(key);
    const block = this.#block(at);
    const last = block.at(-1);
    if (last === undefined || last.key < key) block.push(entry);
    else block.splice(lowerBound(block, key), 0, entry);
    if (block.length > BLOCK_MAX) this.#blocks.splice(at + 1, 0, block.splice(BLOCK_MAX >> 1));
  }

  remove(key: string): void {
    if (!this.#byKey.delete(key)) return;
    const at = this.#blockOf(key);
    const block = this.#block(at);
    block.splice(lowerBound(block, key), 1);
    if (block.length < BLOCK_MIN && this.#blocks.length > 1) this.#join(at);
  }

  /** Visits the entries of `[begin, end)` in order until `visit` answers false. The index must not change meanwhile. */
  forward(begin: string, end: string, visit: (entry: Entry) => boolean): void {
    let at = this.#blockOf(begin);
    let slot = lowerBound(this.#block(at), begin);
    for (; at < this.#blocks.length; at++, slot = 0) {
      const block = this.#block(at);
      for (; slot < block.length; slot++) {
        const entry = block[slot] as Entry; // the loop's bound
        if (entry.key >= end || !visit(entry)) return;
      }
    }
  }

  /** As `forward`, from the last entry of `[begin, end)` down. */
  backward(begin: string, end: string, visit: (entry: Entry) => boolean): void {
    let at = this.#blockOf(end);
    let slot = lowerBound(this.#block(at), end) - 1;
    for (;;) {
      const block = this.#block(at);
      for (; slot >= 0; slot--) {
        const entry = block[slot] as Entry; // the loop's bound
        if (entry.key < begin || !visit(entry)) return;
      }
      if (at === 0) return;
      at--;
      slot = this.#block(at).length - 1;
    }
  }

  /** The last block whose first key is not above this key, or the first one. */
  #blockOf(key: string): number {
    let [low, high] = [0, this.#blocks.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      const first = this.#block(middle)[0] as Entry; // only the only block may be empty
      if (first.key <= key) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  #join(at: number): void {
    const left = at === 0 ? 0 : at - 1;
    const [a, b] = [this.#block(left), this.#block(left + 1)];
    if (a.length + b.length > BLOCK_MAX - BLOCK_MIN && a.length > 0 && b.length > 0) return;
    for (const entry of b) a.push(entry);
    this.#blocks.splice(left + 1, 1);
  }

  #block(at: number): Entry[] {
    return this.#blocks[at] as Entry[]; // callers stay within the list
  }
}

/** Index of the first entry whose key is not below this one. */
function lowerBound(block: readonly Keyed[], key: string): number {
  let [low, high] = [0, block.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((block[middle] as Keyed).key < key)
      low = middle + 1; // between the bounds
    else high = middle;
  }
  return low;
}
