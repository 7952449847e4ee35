/**
 * What a transaction has written so far, as its own reads see it. Mutations are kept twice: in the order given, for the commit, and
 * by key, for read-your-writes.
 */
import { type AtomicOperation, type Bytes, DatabaseError, databaseErrorCode } from '../../ports.js';
import { applyOperation, type ValueOperation } from './atomics.js';
import { compareKeys, copyOf, countBefore, holds, type KeyRange, keyAfter, later, meets, nameOf } from './key-order.js';

export type Mutation =
  | { readonly do: 'set'; readonly key: Bytes; readonly value: Bytes }
  | { readonly do: 'clear'; readonly key: Bytes }
  | { readonly do: 'clear-range'; readonly begin: Bytes; readonly end: Bytes }
  | { readonly do: 'atomic'; readonly operation: AtomicOperation; readonly key: Bytes; readonly operand: Bytes };

interface PendingOperation {
  readonly operation: ValueOperation;
  readonly operand: Bytes;
}

/** What the transaction knows of a key that it wrote. `pending` needs the stored value first. */
type OwnState =
  | { readonly kind: 'value'; readonly value: Bytes }
  | { readonly kind: 'absent' }
  | { readonly kind: 'pending'; readonly operations: readonly PendingOperation[] }
  | { readonly kind: 'unreadable' };

export interface OwnKey {
  readonly key: Bytes;
  readonly state: OwnState;
}

const STAMP_BYTES = 10;
const TRAILER_BYTES = 4;

export class WriteBuffer {
  readonly mutations: Mutation[] = [];
  readonly #states = new Map<string, OwnKey>();
  /** Keys in order; those in `#fresh` are sorted in when order is next asked for. */
  #sorted: Bytes[] = [];
  #fresh: Bytes[] = [];
  /** Disjoint, in order. */
  readonly #cleared: KeyRange[] = [];
  /** Where keys with a stamp that is not known yet may come to lie. */
  readonly #stampedKeys: KeyRange[] = [];

  set(key: Bytes, value: Bytes): void {
    this.mutations.push({ do: 'set', key, value });
    this.#put(key, { kind: 'value', value });
  }

  clear(key: Bytes): void {
    this.mutations.push({ do: 'clear', key });
    this.#put(key, { kind: 'absent' });
  }

  clearRange(begin: Bytes, end: Bytes): void {
    if (compareKeys(begin, end) >= 0) return;
    this.mutations.push({ do: 'clear-range', begin, end });
    this.#order();
    const from = countBefore(this.#sorted, (key) => compareKeys(key, begin) < 0);
    const to = countBefore(this.#sorted, (key) => compareKeys(key, end) < 0);
    for (const key of this.#sorted.splice(from, to - from)) this.#states.delete(nameOf(key));
    const first = countBefore(this.#cleared, (range) => compareKeys(range.end, begin) < 0);
    const after = countBefore(this.#cleared, (range) => compareKeys(range.begin, end) <= 0);
    const touched = this.#cleared.slice(first, after);
    const joined = {
      begin: touched[0] !== undefined && compareKeys(touched[0].begin, begin) < 0 ? touched[0].begin : begin,
      end: later(touched.at(-1)?.end ?? end, end),
    };
    this.#cleared.splice(first, after - first, joined);
  }

  /** Throws 2000 when a stamp has no place in its bytes. */
  atomic(operation: AtomicOperation, key: Bytes, operand: Bytes): void {
    if (operation === 'set-versionstamped-key') {
      const at = stampPlace(key, 'key');
      this.#stampedKeys.push({ begin: withStamp(key, at, 0x00), end: keyAfter(withStamp(key, at, 0xff)) });
    } else if (operation === 'set-versionstamped-value') {
      stampPlace(operand, 'value');
      this.#put(key, { kind: 'unreadable' });
    } else {
      this.#put(key, this.#after(this.state(key), { operation, operand }));
    }
    this.mutations.push({ do: 'atomic', operation, key, operand });
  }

  /** What is known of the key; undefined when this transaction did not write it. */
  state(key: Bytes): OwnState | undefined {
    const own = this.#states.get(nameOf(key));
    if (own !== undefined) return own.state;
    return holds(this.#cleared, key) ? { kind: 'absent' } : undefined;
  }

  /** The cleared range with this key in it. */
  clearedAround(key: Bytes): KeyRange | undefined {
    const range = this.#cleared[countBefore(this.#cleared, ({ end }) => compareKeys(end, key) <= 0)];
    return range !== undefined && compareKeys(range.begin, key) <= 0 ? range : undefined;
  }

  /** The first own key in the range, or the last one. Cleared ranges have none. */
  ownKey(range: KeyRange, last: boolean): OwnKey | undefined {
    this.#order();
    const index = last
      ? countBefore(this.#sorted, (key) => compareKeys(key, range.end) < 0) - 1
      : countBefore(this.#sorted, (key) => compareKeys(key, range.begin) < 0);
    const key = this.#sorted[index];
    if (key === undefined || compareKeys(key, range.begin) < 0 || compareKeys(key, range.end) >= 0) return undefined;
    return this.#states.get(nameOf(key));
  }

  /** Throws 1036 when a key with an unknown stamp may lie in the range. */
  refuseUnreadable(range: KeyRange): void {
    if (this.#stampedKeys.some((stamped) => compareKeys(stamped.begin, range.end) < 0 && compareKeys(range.begin, stamped.end) < 0)) {
      throw unreadable();
    }
  }

  /** The parts of the range whose content did not come from this transaction's own writes alone. */
  dependentParts(range: KeyRange): readonly KeyRange[] {
    if (this.mutations.length === 0) return [range];
    const known: KeyRange[] = this.#cleared.filter(({ begin, end }) => meets([range], begin, end));
    for (let from = range.begin; ; ) {
      const own = this.ownKey({ begin: from, end: range.end }, false);
      if (own === undefined) break;
      if (own.state.kind !== 'pending') known.push({ begin: own.key, end: keyAfter(own.key) });
      from = keyAfter(own.key);
    }
    known.sort((a, b) => compareKeys(a.begin, b.begin));
    const parts: KeyRange[] = [];
    let from = range.begin;
    for (const { begin, end } of known) {
      if (compareKeys(from, begin) < 0) parts.push({ begin: from, end: begin });
      from = later(from, end);
    }
    if (compareKeys(from, range.end) < 0) parts.push({ begin: from, end: range.end });
    return parts;
  }

  #put(key: Bytes, state: OwnState): void {
    const name = nameOf(key);
    if (!this.#states.has(name)) this.#fresh.push(key);
    this.#states.set(name, { key, state });
  }

  #after(state: OwnState | undefined, pending: PendingOperation): OwnState {
    if (state === undefined) return { kind: 'pending', operations: [pending] };
    if (state.kind === 'pending') return { kind: 'pending', operations: [...state.operations, pending] };
    if (state.kind === 'unreadable') return state;
    const value = applyOperation(pending.operation, state.kind === 'value' ? state.value : undefined, pending.operand);
    return value === undefined ? { kind: 'absent' } : { kind: 'value', value };
  }

  #order(): void {
    if (this.#fresh.length === 0) return;
    // Sorting an already sorted array with a sorted tail is a merge (TimSort), so writing and reading in turns stays cheap.
    this.#sorted = this.#sorted.concat(this.#fresh.sort(compareKeys)).sort(compareKeys);
    this.#fresh = [];
  }
}

/** The value of an own key over the stored one. Throws 1036 for a value that waits for its stamp. */
export function resolve(state: OwnState, stored: Bytes | undefined): Bytes | undefined {
  switch (state.kind) {
    case 'value':
      return state.value;
    case 'absent':
      return undefined;
    case 'pending':
      return state.operations.reduce((value, { operation, operand }) => applyOperation(operation, value, operand), stored);
    case 'unreadable':
      throw unreadable();
  }
}

function unreadable(): DatabaseError {
  return new DatabaseError(databaseErrorCode.accessedUnreadable, 'read of a key whose versionstamp is known only after commit');
}

/** Where the stamp goes. The last four bytes tell, little-endian; they are no part of the result. */
function stampPlace(bytes: Bytes, what: string): number {
  const room = bytes.length - TRAILER_BYTES;
  const at = room < 0 ? -1 : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).readUInt32LE(room);
  if (at < 0 || at + STAMP_BYTES > room) {
    throw new DatabaseError(
      databaseErrorCode.clientInvalidOperation,
      `a versionstamped ${what} of ${bytes.length} bytes must end in the 4-byte little-endian place of 10 bytes for the stamp, and has none`,
    );
  }
  return at;
}

function withStamp(bytes: Bytes, at: number, fill: number): Bytes {
  const result = copyOf(bytes.subarray(0, bytes.length - TRAILER_BYTES));
  result.fill(fill, at, at + STAMP_BYTES);
  return result;
}

/** The bytes with the stamp in its place. */
export function stampedWith(bytes: Bytes, stamp: Bytes): Bytes {
  const result = copyOf(bytes.subarray(0, bytes.length - TRAILER_BYTES));
  result.set(stamp, stampPlace(bytes, 'key or value'));
  return result;
}
