/**
 * What one try of a transaction has written, in two forms: the mutations in their order, for the commit, and what they make of
 * each key, for reading one's own writes. Bytes handed in here are never changed afterwards.
 */
import type { Bytes } from '../../ports.js';
import { applyAtomic, stampedKeyBounds, type ValueOperation } from './atomic.js';
import { fromBinary, KEYS_END, keyAfter, toBinary, earlier } from './binary.js';
import { RangeSet } from './range-set.js';

/** One write of a commit. A cleared key is a `set` of undefined. */
export type Mutation =
  | { readonly kind: 'set'; readonly key: string; value: Bytes | undefined }
  | { readonly kind: 'clear-range'; readonly key: string; readonly end: string }
  | { readonly kind: 'atomic'; readonly key: string; readonly operation: ValueOperation; readonly operand: Bytes }
  /** `key` still holds the place of the stamp and its offset, so it is not the key that will be written. */
  | { readonly kind: 'stamped-key'; readonly key: string; readonly offset: number; readonly value: Bytes }
  | { readonly kind: 'stamped-value'; readonly key: string; readonly offset: number; readonly value: Bytes };

/** What a transaction's own writes say of a key. */
export type Own =
  /** Known without asking the store; undefined is cleared. */
  | { readonly kind: 'known'; readonly key: string; readonly value: Bytes | undefined }
  /** Operations on what the store holds, newest first. */
  | {
      readonly kind: 'pending';
      readonly key: string;
      readonly operation: ValueOperation;
      readonly operand: Bytes;
      readonly under: Pending | undefined;
    };

export type Pending = Extract<Own, { kind: 'pending' }>;

/** What the operations make of the store's value. */
export function resolvePending(pending: Pending, stored: Bytes | undefined): Bytes | undefined {
  const operations: Pending[] = [];
  for (let step: Pending | undefined = pending; step !== undefined; step = step.under) operations.push(step);
  let value = stored;
  for (const { operation, operand } of operations.reverse()) value = applyAtomic(operation, value, operand);
  return value;
}

export class WriteBuffer {
  readonly mutations: Mutation[] = [];
  readonly #own = new Map<string, Own>();
  /** The mutation behind a known value, so that writing a key again replaces it. Absent where order matters. */
  readonly #replaceable = new Map<string, Extract<Mutation, { kind: 'set' }>>();
  readonly #cleared = new RangeSet();
  readonly #unreadable = new RangeSet();
  #stampsKeys = false;
  #overlay: Overlay | undefined;

  get isEmpty(): boolean {
    return this.mutations.length === 0;
  }

  /** What is known of a key now; undefined: the store alone knows. */
  find(key: string): Own | undefined {
    const own = this.#own.get(key);
    if (own !== undefined || this.#cleared.size === 0 || !this.#cleared.has(key)) return own;
    return { kind: 'known', key, value: undefined };
  }

  /** Whether only the commit will tell what the key holds. */
  isUnreadable(key: string): boolean {
    return this.#unreadable.size > 0 && this.#unreadable.has(key);
  }

  /** Sets, or clears with undefined. */
  set(key: string, value: Bytes | undefined): void {
    this.#overlay = undefined;
    if (value === undefined && this.#unreadable.size > 0) this.#unreadable.remove(key, keyAfter(key));
    this.#know(key, value);
  }

  clearRange(begin: string, end: string): void {
    if (begin >= end) return;
    this.#overlay = undefined;
    this.mutations.push({ kind: 'clear-range', key: begin, end });
    this.#forget(begin, end);
    this.#unreadable.remove(begin, end);
    this.#cleared.add(begin, end);
  }

  atomic(operation: ValueOperation, key: string, operand: Bytes): void {
    this.#overlay = undefined;
    const own = this.find(key);
    if (own?.kind === 'known' && !this.isUnreadable(key)) {
      this.#know(key, applyAtomic(operation, own.value, operand));
      return;
    }
    this.mutations.push({ kind: 'atomic', key, operation, operand });
    this.#own.set(key, { kind: 'pending', key, operation, operand, under: own?.kind === 'pending' ? own : undefined });
  }

  stampedValue(key: string, value: Bytes, offset: number): void {
    this.#overlay = undefined;
    this.mutations.push({ kind: 'stamped-value', key, value, offset });
    this.#own.delete(key);
    this.#replaceable.delete(key);
    this.#unreadable.add(key, keyAfter(key));
  }

  /** From here on no key that the stamp may make can be read, and mutations keep their order among each other. */
  stampedKey(key: string, value: Bytes, offset: number): void {
    this.#overlay = undefined;
    this.mutations.push({ kind: 'stamped-key', key, value, offset });
    const { first, last } = stampedKeyBounds(fromBinary(key), offset);
    const [begin, end] = [toBinary(first), earlier(keyAfter(toBinary(last)), KEYS_END)];
    this.#forget(begin, end);
    this.#cleared.remove(begin, end);
    this.#unreadable.add(begin, end);
    this.#stampsKeys = true;
    this.#replaceable.clear();
  }

  /** Everything as it is now, untouched by later writes. */
  overlay(): Overlay {
    this.#overlay ??= new Overlay([...this.#own.values()].sort(byKey), this.#cleared.copy(), this.#unreadable.copy());
    return this.#overlay;
  }

  #know(key: string, value: Bytes | undefined): void {
    this.#own.set(key, { kind: 'known', key, value });
    const earlierSet = this.#replaceable.get(key);
    if (earlierSet !== undefined) {
      earlierSet.value = value;
      return;
    }
    const mutation: Mutation = { kind: 'set', key, value };
    this.mutations.push(mutation);
    if (!this.#stampsKeys) this.#replaceable.set(key, mutation);
  }

  #forget(begin: string, end: string): void {
    for (const key of this.#own.keys()) {
      if (key < begin || key >= end) continue;
      this.#own.delete(key);
      this.#replaceable.delete(key);
    }
  }
}

const byKey = (a: Own, b: Own): number => (a.key < b.key ? -1 : 1);

/** A transaction's own writes at one moment, in order. */
export class Overlay {
  constructor(
    readonly writes: readonly Own[],
    readonly cleared: RangeSet,
    readonly unreadable: RangeSet,
  ) {}

  /** Index of the first write whose key is not below this one. */
  seek(key: string): number {
    let [low, high] = [0, this.writes.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.writes[middle] as Own).key < key)
        low = middle + 1; // between the bounds
      else high = middle;
    }
    return low;
  }

  /** The parts of `[begin, end)` where the store's content mattered, in order. */
  *unknown(begin: string, end: string): Generator<readonly [begin: string, end: string]> {
    for (const [from, to] of this.cleared.gaps(begin, end)) {
      let at = from;
      for (let i = this.seek(from); i < this.writes.length; i++) {
        const own = this.writes[i] as Own; // the loop's bound
        if (own.key >= to) break;
        if (own.kind !== 'known') continue;
        if (own.key > at) yield [at, own.key];
        at = keyAfter(own.key);
      }
      if (at < to) yield [at, to];
    }
  }
}
