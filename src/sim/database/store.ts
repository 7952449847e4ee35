/**
 * What is stored, in every version that a reader may still ask for. Each key keeps its newest value beside it and older ones in
 * a list; a queue of superseded versions says what to drop when the readers' window has moved past them, so that pruning costs
 * a constant share of each write and never a scan.
 */
import type { Bytes } from '../../ports.js';
import { KEYS_END } from './binary.js';
import { OrderedIndex } from './ordered-index.js';

/** A key selector on an internal key. */
export interface Selector {
  readonly key: string;
  readonly orEqual: boolean;
  readonly offset: number;
}

export interface Item {
  readonly key: string;
  readonly value: Bytes;
}

/** Bounds on one range read; 0 is none. A read that reaches one stops there, and brings at least one item. */
export interface ScanLimits {
  readonly items: number;
  readonly bytes: number;
}

export interface Scan {
  readonly items: readonly Item[];
  /** A limit was reached, so the range may hold more. */
  readonly more: boolean;
}

interface Superseded {
  readonly version: number;
  readonly value: Bytes | undefined;
}

class Entry {
  /** Oldest first; the first `dropped` are out of every reader's reach. */
  older: Superseded[] | undefined;
  dropped = 0;

  constructor(
    readonly key: string,
    public version: number,
    public value: Bytes | undefined,
  ) {}

  at(version: number): Bytes | undefined {
    if (this.version <= version) return this.value;
    const { older } = this;
    if (older === undefined) return undefined;
    let [low, high] = [this.dropped, older.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((older[middle] as Superseded).version <= version)
        low = middle + 1; // between the bounds
      else high = middle;
    }
    return low === this.dropped ? undefined : older[low - 1]?.value;
  }

  /** Forgets what was superseded by `version` or before. */
  drop(version: number): void {
    const { older } = this;
    if (older === undefined) return;
    while ((older[this.dropped]?.version ?? version) < version) this.dropped++;
    if (this.dropped === older.length) {
      this.older = undefined;
      this.dropped = 0;
    } else if (this.dropped > 32 && this.dropped * 2 > older.length) {
      older.splice(0, this.dropped);
      this.dropped = 0;
    }
  }
}

/** A version that superseded another, or cleared its key. */
interface Prunable {
  readonly version: number;
  readonly entry: Entry;
}

export class Store {
  readonly #index = new OrderedIndex<Entry>();
  /** In the order of versions; the first `#pruned` are done. */
  #prunable: Prunable[] = [];
  #pruned = 0;

  /** Keys held, cleared ones that a reader may still see included. */
  get size(): number {
    return this.#index.size;
  }

  get(key: string, version: number): Bytes | undefined {
    return this.#index.get(key)?.at(version);
  }

  newest(key: string): Bytes | undefined {
    return this.#index.get(key)?.value;
  }

  /** Writes at a version not below any before; undefined clears. The bytes are kept as they are, so nobody may change them. */
  set(key: string, value: Bytes | undefined, version: number): void {
    const entry = this.#index.get(key);
    if (entry === undefined) {
      if (value !== undefined) this.#index.insert(new Entry(key, version, value));
      return;
    }
    this.#write(entry, value, version);
  }

  clearRange(begin: string, end: string, version: number): void {
    this.#index.forward(begin, end, (entry) => {
      this.#write(entry, undefined, version);
      return true;
    });
  }

  range(begin: string, end: string, limits: ScanLimits, reverse: boolean, version: number): Scan {
    const items: Item[] = [];
    let bytes = 0;
    let more = false;
    const visit = (entry: Entry): boolean => {
      const value = entry.at(version);
      if (value === undefined) return true;
      items.push({ key: entry.key, value });
      bytes += entry.key.length + value.length;
      more = (limits.items > 0 && items.length >= limits.items) || (limits.bytes > 0 && bytes >= limits.bytes);
      return !more;
    };
    if (begin < end) {
      if (reverse) this.#index.backward(begin, end, visit);
      else this.#index.forward(begin, end, visit);
    }
    return { items, more };
  }

  /** The key that the selector names at this version; the empty key before the first, `0xFF` after the last. */
  resolve(selector: Selector, version: number): string {
    const start = selectorStart(selector);
    let left = selector.offset > 0 ? selector.offset : 1 - selector.offset;
    let found: string | undefined;
    const visit = (entry: Entry): boolean => {
      if (entry.at(version) === undefined || --left > 0) return true;
      found = entry.key;
      return false;
    };
    if (selector.offset > 0) {
      this.#index.forward(start, KEYS_END, visit);
      return found ?? KEYS_END;
    }
    this.#index.backward('', start, visit);
    return found ?? '';
  }

  /** Drops what no reader at `oldest` or later can see. */
  prune(oldest: number): void {
    for (;;) {
      const next = this.#prunable[this.#pruned];
      if (next === undefined || next.version > oldest) break;
      this.#pruned++;
      const { entry, version } = next;
      entry.drop(version);
      if (entry.version === version && entry.value === undefined && this.#index.get(entry.key) === entry) this.#index.remove(entry.key);
    }
    if (this.#pruned > 1024 && this.#pruned * 2 > this.#prunable.length) {
      this.#prunable = this.#prunable.slice(this.#pruned);
      this.#pruned = 0;
    }
  }

  #write(entry: Entry, value: Bytes | undefined, version: number): void {
    if (value === undefined && entry.value === undefined) return;
    if (entry.version !== version) {
      entry.older ??= [];
      entry.older.push({ version: entry.version, value: entry.value });
      entry.version = version;
      this.#prunable.push({ version, entry });
    } else if (value === undefined) {
      // Made and cleared at one version: nothing superseded, but the entry itself must go some day.
      this.#prunable.push({ version, entry });
    }
    entry.value = value;
  }
}

/** Where a selector starts to count: it names the `offset`-th key from here on, or the `1 - offset`-th before here. */
export const selectorStart = (selector: Selector): string => (selector.orEqual ? `${selector.key}\0` : selector.key);
