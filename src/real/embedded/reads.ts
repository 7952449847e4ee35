/** The reads of a transaction: stored items and its own writes as one sequence, and what each read makes the transaction depend on. */
import {
  type Bytes,
  DatabaseError,
  databaseErrorCode as code,
  type KeySelector,
  type KeyValue,
  type RangeOptions,
  type RangeResult,
  type StreamingMode,
} from '../../ports.js';
import { compareKeys, copyOf, earlier, END_KEY, FIRST_KEY, type KeyRange, keyAfter, later } from './key-order.js';
import { checkBound, checkReadKey, ownSelector } from './legal.js';
import type { Records } from './records.js';
import type { Snapshot } from './snapshots.js';
import { resolve, type WriteBuffer } from './write-buffer.js';

/** What the reads need of their transaction, in one of its tries. */
export interface ReadScope {
  readonly records: Records;
  readonly buffer: WriteBuffer;
  /** The state that is read; taken with the first read. Throws 1007 when it is too old. */
  snapshot(): Snapshot;
  /** From now on a change of these keys by another is a conflict. Does nothing for snapshot reads. */
  dependOn(range: KeyRange): void;
  /** Lets the rest of the process run. Throws when the try is over afterwards. */
  turn(): Promise<void>;
}

/** After so many items a scan lets the rest of the process run. */
const ITEMS_A_TURN = 4_096;

/** Bytes that a call in each mode aims at; FoundationDB's figures. */
const MODE_BYTES: Readonly<Record<Exclude<StreamingMode, 'iterator'>, number>> = {
  'want-all': Number.POSITIVE_INFINITY,
  exact: Number.POSITIVE_INFINITY,
  small: 256,
  medium: 1_000,
  large: 4_096,
  serial: 80_000,
};
const ITERATION_BYTES = [4_096, 6_144, 9_216, 13_824, 20_736, 31_104, 46_656, 69_984, 80_000, 120_000];

/** Reads here and now, so that later writes of the same transaction do not show. */
export function readKey(scope: ReadScope, givenKey: Bytes): Bytes | undefined {
  checkReadKey(givenKey);
  const key = copyOf(givenKey);
  const range = { begin: key, end: keyAfter(key) };
  scope.buffer.refuseUnreadable(range);
  const own = scope.buffer.state(key);
  if (own !== undefined && own.kind !== 'pending') return copyOrAbsent(resolve(own, undefined));
  const stored = scope.records.get(key, scope.snapshot().lmdb);
  scope.dependOn(range);
  return own === undefined ? stored : copyOrAbsent(resolve(own, stored));
}

/** The key that the selector names; clamped to the empty key and to the end of the key space. */
export async function readSelector(scope: ReadScope, selector: KeySelector): Promise<Bytes> {
  return copyOf(await walk(scope, ownSelector(selector)));
}

export async function readRange(
  scope: ReadScope,
  begin: Bytes | KeySelector,
  end: Bytes | KeySelector,
  options: RangeOptions = {},
): Promise<RangeResult> {
  const { limit = 0, reverse = false } = options;
  const bytesMax = checkedBudget(options);
  const [from, to] = [boundOf(begin), boundOf(end)];
  // No wait unless a bound needs a read: what is written after the call must not show in it.
  const range: KeyRange = {
    begin: from instanceof Uint8Array ? from : await walk(scope, from),
    end: to instanceof Uint8Array ? to : await walk(scope, to),
  };
  if (compareKeys(range.begin, range.end) >= 0) return { items: [], more: false };

  const items: KeyValue[] = [];
  const upTo = (key: Bytes): KeyRange => (reverse ? { begin: key, end: range.end } : { begin: range.begin, end: keyAfter(key) });
  let bytes = 0;
  let more = false;
  for (const item of merged(scope, range, reverse)) {
    items.push(item);
    bytes += item.key.length + item.value.length;
    more = (limit > 0 && items.length === limit) || bytes >= bytesMax;
    if (more) break;
    if (items.length % ITEMS_A_TURN !== 0) continue;
    // Before the transaction can overwrite what it has just read, which would hide the dependence.
    scope.dependOn(upTo(item.key));
    await scope.turn();
  }
  const last = items.at(-1);
  const seen = more && last !== undefined ? upTo(last.key) : range;
  scope.buffer.refuseUnreadable(seen);
  scope.dependOn(seen);
  return { items, more };
}

/** Most bytes to bring; a single item may exceed it. Errors: 2000, 2210. */
function checkedBudget({ limit = 0, mode = 'want-all', iteration = 1 }: RangeOptions): number {
  if (!Number.isSafeInteger(limit) || limit < 0) {
    throw new DatabaseError(code.clientInvalidOperation, `a range limit is an integer from 0, not ${limit}`);
  }
  if (mode === 'exact' && limit === 0) throw new DatabaseError(code.exactModeWithoutLimits, 'streaming mode exact needs a limit');
  if (mode !== 'iterator') return MODE_BYTES[mode];
  return ITERATION_BYTES[Math.min(Math.max(iteration, 1), ITERATION_BYTES.length) - 1] ?? 0;
}

/** A bound as a key where it is one without a read; else the selector to be resolved. */
function boundOf(bound: Bytes | KeySelector): Bytes | KeySelector {
  if (bound instanceof Uint8Array) {
    checkBound(bound);
    return copyOf(bound);
  }
  const selector = ownSelector(bound);
  return selector.offset === 1 ? anchorOf(selector) : selector;
}

/** The first key that comes after what the selector starts from. */
const anchorOf = ({ key, orEqual }: KeySelector): Bytes => (orEqual ? earlier(keyAfter(key), END_KEY) : key);

async function walk(scope: ReadScope, selector: KeySelector): Promise<Bytes> {
  const anchor = anchorOf(selector);
  const forward = selector.offset > 0;
  const upTo = (key: Bytes | undefined): KeyRange =>
    forward ? { begin: anchor, end: key === undefined ? END_KEY : keyAfter(key) } : { begin: key ?? FIRST_KEY, end: anchor };
  let left = forward ? selector.offset : 1 - selector.offset;
  let found: Bytes | undefined;
  let walked = 0;
  for (const { key } of merged(scope, upTo(undefined), !forward)) {
    left--;
    if (left === 0) {
      found = key;
      break;
    }
    walked++;
    if (walked % ITEMS_A_TURN !== 0) continue;
    scope.dependOn(upTo(key));
    await scope.turn();
  }
  scope.buffer.refuseUnreadable(upTo(found));
  scope.dependOn(upTo(found));
  return found ?? (forward ? END_KEY : FIRST_KEY);
}

/** Stored items and own writes as one sequence. */
function* merged(scope: ReadScope, range: KeyRange, reverse: boolean): Generator<KeyValue, void, undefined> {
  const stored = new StoredItems(scope.records, scope.snapshot(), range, reverse, scope.buffer);
  try {
    let rest = range;
    let item = stored.next();
    for (;;) {
      const own = scope.buffer.ownKey(rest, reverse);
      const order = item === undefined ? 1 : own === undefined ? -1 : compareKeys(item.key, own.key) * (reverse ? -1 : 1);
      let at: Bytes;
      if (item !== undefined && order < 0) {
        at = item.key;
        yield item;
      } else if (own !== undefined) {
        at = own.key;
        const value = resolve(own.state, order === 0 ? item?.value : undefined);
        if (value !== undefined) yield { key: copyOf(own.key), value: copyOf(value) };
      } else {
        return;
      }
      if (order <= 0) item = stored.next();
      rest = reverse ? { begin: range.begin, end: at } : { begin: keyAfter(at), end: range.end };
    }
  } finally {
    stored.close();
  }
}

/** The stored items of a range, without those that the transaction itself cleared. */
class StoredItems {
  #scan: Generator<KeyValue, void, undefined>;

  constructor(
    readonly records: Records,
    readonly snapshot: Snapshot,
    readonly range: KeyRange,
    readonly reverse: boolean,
    readonly buffer: WriteBuffer,
  ) {
    this.#scan = records.scan(range, reverse, snapshot.lmdb);
  }

  next(): KeyValue | undefined {
    for (;;) {
      const step = this.#scan.next();
      if (step.done === true) return undefined;
      const cleared = this.buffer.clearedAround(step.value.key);
      if (cleared === undefined) return step.value;
      // Begins again behind the cleared range instead of reading through it.
      this.close();
      const rest = this.reverse
        ? { begin: this.range.begin, end: later(this.range.begin, cleared.begin) }
        : { begin: earlier(this.range.end, cleared.end), end: this.range.end };
      this.#scan = this.records.scan(rest, this.reverse, this.snapshot.lmdb);
    }
  }

  close(): void {
    this.#scan.return();
  }
}

const copyOrAbsent = (value: Bytes | undefined): Bytes | undefined => (value === undefined ? undefined : copyOf(value));
