/**
 * One transaction on the embedded store: its reads at a snapshot merged with its own writes, what they make it depend on, and its
 * life over commit, retries, time-out and cancellation. Rules and figures are those of FoundationDB's client.
 */
import {
  type AtomicOperation,
  type Bytes,
  type Clock,
  DatabaseError,
  databaseErrorCode as code,
  type KeySelector,
  type KeyValue,
  type Micros,
  type Random,
  type RangeOptions,
  type RangeResult,
  type ReadTransaction,
  type StreamingMode,
  type Transaction,
  type TransactionOptions,
  type Watch,
} from '../../ports.js';
import { type Deferred, deferred } from '../deferred.js';
import { checkedOptions } from '../transaction-options.js';
import { VALUE_BYTES_MAX } from './atomics.js';
import { compareKeys, copyOf, END_KEY, earlier, FIRST_KEY, type KeyRange, keyAfter, later, mergeRanges } from './key-order.js';
import type { Records } from './records.js';
import { type Snapshot, tooOld, VERSION_LIFE_MICROS } from './snapshots.js';
import { type Mutation, resolve, WriteBuffer } from './write-buffer.js';

const KEY_BYTES_MAX = 10_000;
const TRANSACTION_BYTES_MAX = 10_000_000;
const RETRY_DELAY_MICROS_FIRST: Micros = 10_000;
const RETRY_DELAY_MICROS_MAX: Micros = 1_000_000;
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

/** What the store is asked to do atomically. */
export interface CommitRequest {
  /** Undefined when nothing was read, so nothing can conflict. */
  readonly readVersion: number | undefined;
  /** Disjoint, in order. */
  readonly reads: readonly KeyRange[];
  readonly mutations: readonly Mutation[];
  readonly writeConflicts: readonly KeyRange[];
  /** Keys whose value right after the commit is wanted. */
  readonly watchedKeys: readonly Bytes[];
  /** False when the transaction was cancelled or timed out while it waited; then nothing is written. */
  wanted(): boolean;
}

export interface CommitOutcome {
  readonly version: number;
  readonly stamp: Bytes;
  /** One value for each watched key. */
  readonly watchedValues: readonly (Bytes | undefined)[];
}

/** A watch of a transaction; the store makes it active. */
export interface PendingWatch extends Watch {
  readonly key: Bytes;
  fail(error: DatabaseError): void;
}

/** What a transaction needs of the store that it belongs to. */
export interface TransactionStore {
  readonly clock: Clock;
  readonly random: Random;
  readonly records: Records;
  /** Throws 1101 when the store is closed. */
  refuseWhenClosed(): void;
  newestSnapshot(): Snapshot;
  snapshotAt(version: number): Snapshot;
  release(snapshot: Snapshot): void;
  commit(request: CommitRequest): Promise<CommitOutcome>;
  /** Throws 1032 when there are too many. */
  newWatch(key: Bytes): PendingWatch;
  /** From now on a value other than this one fires the watch. */
  activate(watch: PendingWatch, value: Bytes | undefined): void;
}

type Phase = 'open' | 'committing' | 'committed';

export class EmbeddedTransaction implements Transaction {
  readonly snapshot: ReadTransaction;
  readonly #store: TransactionStore;
  readonly #options: TransactionOptions;
  #phase: Phase = 'open';
  /** Why nothing works any more: cancelled or timed out. */
  #failure: DatabaseError | undefined;
  /** Counts resets; work begun in an earlier life must not go on in a later one. */
  #life = 0;
  #startedAt: Micros;
  #retries = 0;
  #delayMicros = RETRY_DELAY_MICROS_FIRST;
  #wantedVersion: number | undefined;
  #held: Snapshot | undefined;
  #heldSince: Micros = 0;
  #buffer = new WriteBuffer();
  #reads: KeyRange[] = [];
  #writeConflicts: KeyRange[] = [];
  #watches: PendingWatch[] = [];
  #bytes = 0;
  #committedVersion: number | undefined;
  #stamp: Deferred<Bytes> | undefined;
  /** Wakes what waits when the transaction is cancelled, reset or timed out. */
  readonly #interrupts = new Set<(error: DatabaseError) => void>();

  constructor(store: TransactionStore, options: TransactionOptions) {
    this.#store = store;
    this.#options = checkedOptions(options);
    this.#startedAt = store.clock.monotonicMicros();
    this.snapshot = {
      get: (key) => this.#get(key, true),
      getKey: (selector) => this.#getKey(selector, true),
      getRange: (begin, end, rangeOptions) => this.#getRange(begin, end, rangeOptions, true),
    };
  }

  get(key: Bytes): Promise<Bytes | undefined> {
    return this.#get(key, false);
  }

  getKey(selector: KeySelector): Promise<Bytes> {
    return this.#getKey(selector, false);
  }

  getRange(begin: Bytes | KeySelector, end: Bytes | KeySelector, options?: RangeOptions): Promise<RangeResult> {
    return this.#getRange(begin, end, options, false);
  }

  set(key: Bytes, value: Bytes): void {
    this.#refuseUnlessOpen();
    checkWrite(key, value);
    this.#grow(key.length + value.length);
    this.#buffer.set(copyOf(key), copyOf(value));
  }

  clear(key: Bytes): void {
    this.#refuseUnlessOpen();
    checkKey(key);
    this.#grow(key.length);
    this.#buffer.clear(copyOf(key));
  }

  clearRange(begin: Bytes, end: Bytes): void {
    this.#refuseUnlessOpen();
    checkRange(begin, end);
    this.#grow(begin.length + end.length);
    this.#buffer.clearRange(copyOf(begin), copyOf(end));
  }

  atomic(operation: AtomicOperation, key: Bytes, operand: Bytes): void {
    this.#refuseUnlessOpen();
    checkWrite(key, operand, operation === 'set-versionstamped-key' ? 4 : 0, operation === 'set-versionstamped-value' ? 4 : 0);
    this.#grow(key.length + operand.length);
    this.#buffer.atomic(operation, copyOf(key), copyOf(operand));
  }

  watch(key: Bytes): Watch {
    this.#refuseUnlessOpen();
    checkKey(key);
    this.#hold();
    const watch = this.#store.newWatch(copyOf(key));
    this.#watches.push(watch);
    return watch;
  }

  addReadConflictRange(begin: Bytes, end: Bytes): void {
    this.#refuseUnlessOpen();
    checkRange(begin, end);
    this.#grow(begin.length + end.length);
    this.#reads.push({ begin: copyOf(begin), end: copyOf(end) });
  }

  addWriteConflictRange(begin: Bytes, end: Bytes): void {
    this.#refuseUnlessOpen();
    checkRange(begin, end);
    this.#grow(begin.length + end.length);
    this.#writeConflicts.push({ begin: copyOf(begin), end: copyOf(end) });
  }

  async getReadVersion(): Promise<number> {
    this.#refuseUnlessOpen();
    return this.#asOfThisLife(this.#hold().version);
  }

  setReadVersion(version: number): void {
    this.#refuseUnlessOpen();
    if (!Number.isSafeInteger(version) || version < 0) {
      throw new DatabaseError(code.clientInvalidOperation, `a read version is an integer from 0, not ${version}`);
    }
    if (this.#held !== undefined || this.#wantedVersion !== undefined) {
      throw new DatabaseError(code.readVersionAlreadySet, 'the transaction has a read version already; set it before the first read');
    }
    this.#wantedVersion = version;
  }

  async commit(): Promise<void> {
    this.#refuseUnlessOpen();
    this.#phase = 'committing';
    try {
      await this.#commit();
    } catch (error) {
      this.#drop(error);
      throw error;
    }
  }

  async #commit(): Promise<void> {
    const life = this.#life;
    const watches = this.#watches;
    if (this.#buffer.mutations.length === 0 && this.#writeConflicts.length === 0) {
      const values = watches.map(({ key }) => this.#store.records.get(key, this.#liveSnapshot().lmdb));
      this.#finish(-1, undefined, watches, values);
      return;
    }
    const limit = this.#options.sizeLimit ?? TRANSACTION_BYTES_MAX;
    if (this.#bytes > limit) {
      throw new DatabaseError(
        code.transactionTooLarge,
        `the transaction has ${this.#bytes} bytes of writes and conflict ranges, the limit is ${limit}`,
      );
    }
    const reads = mergeRanges(this.#reads);
    const outcome = this.#store.commit({
      readVersion: reads.length === 0 ? undefined : this.#liveSnapshot().version,
      reads,
      mutations: this.#buffer.mutations,
      writeConflicts: this.#writeConflicts,
      watchedKeys: watches.map(({ key }) => key),
      wanted: () => this.#life === life && this.#failure === undefined,
    });
    const { version, stamp, watchedValues } = await this.#interruptible(outcome);
    if (this.#life !== life) throw reset();
    this.#finish(version, stamp, watches, watchedValues);
  }

  committedVersion(): number {
    if (this.#committedVersion === undefined) {
      throw new DatabaseError(code.clientInvalidOperation, 'the transaction has not committed, so it has no version');
    }
    return this.#committedVersion;
  }

  versionstamp(): Promise<Bytes> {
    this.#refuseUnlessOpen();
    this.#stamp ??= deferred<Bytes>();
    // A program that retries drops the promise of the failed try; that must not count as unhandled.
    this.#stamp.promise.catch(() => undefined);
    return this.#stamp.promise;
  }

  async onError(error: unknown): Promise<void> {
    this.#refuseWhenFailed();
    if (!(error instanceof DatabaseError) || !error.retryable) throw error;
    const { retryLimit = -1, retryDelayMicrosMax = RETRY_DELAY_MICROS_MAX } = this.#options;
    if (retryLimit >= 0 && this.#retries >= retryLimit) throw error;
    this.#retries++;
    const delay = Math.min(this.#delayMicros, retryDelayMicrosMax);
    this.#delayMicros = Math.min(this.#delayMicros * 2, retryDelayMicrosMax);
    this.#forget();
    const life = this.#life;
    // A random part of the delay, so that those who met once do not meet again.
    await this.#interruptible(this.#store.clock.sleep(delay === 0 ? 0 : this.#store.random.int(delay)));
    if (this.#life !== life) throw reset();
  }

  reset(): void {
    this.#failure = undefined;
    this.#retries = 0;
    this.#delayMicros = RETRY_DELAY_MICROS_FIRST;
    this.#startedAt = this.#store.clock.monotonicMicros();
    this.#interrupt(reset());
    this.#forget();
  }

  cancel(): void {
    this.#fail(new DatabaseError(code.transactionCancelled, 'the transaction was cancelled'));
  }

  async #get(key: Bytes, snapshotOnly: boolean): Promise<Bytes | undefined> {
    this.#refuseUnlessOpen();
    checkReadKey(key);
    // Read here and now, so that later writes of the same transaction do not show; only the answer waits.
    const value = this.#read(copyOf(key), snapshotOnly);
    return this.#asOfThisLife(value);
  }

  #read(key: Bytes, snapshotOnly: boolean): Bytes | undefined {
    this.#buffer.refuseUnreadable({ begin: key, end: keyAfter(key) });
    const own = this.#buffer.state(key);
    if (own?.kind === 'unreadable') return resolve(own, undefined);
    if (own !== undefined && own.kind !== 'pending') return copyOrAbsent(resolve(own, undefined));
    const stored = this.#store.records.get(key, this.#hold().lmdb);
    if (!snapshotOnly) this.#dependOn({ begin: key, end: keyAfter(key) });
    return own === undefined ? stored : copyOrAbsent(resolve(own, stored));
  }

  async #getKey(selector: KeySelector, snapshotOnly: boolean): Promise<Bytes> {
    this.#refuseUnlessOpen();
    const life = this.#life;
    const key = await this.#resolveSelector(checkedSelector(selector), snapshotOnly, life);
    return this.#asOfThisLife(copyOf(key));
  }

  async #getRange(
    begin: Bytes | KeySelector,
    end: Bytes | KeySelector,
    options: RangeOptions = {},
    snapshotOnly: boolean,
  ): Promise<RangeResult> {
    this.#refuseUnlessOpen();
    const { limit = 0, reverse = false, mode = 'want-all', iteration = 1 } = options;
    if (!Number.isSafeInteger(limit) || limit < 0)
      throw new DatabaseError(code.clientInvalidOperation, `a range limit is an integer from 0, not ${limit}`);
    if (mode === 'exact' && limit === 0) throw new DatabaseError(code.exactModeWithoutLimits, 'streaming mode exact needs a limit');
    const life = this.#life;
    const range: KeyRange = { begin: await this.#bound(begin, snapshotOnly, life), end: await this.#bound(end, snapshotOnly, life) };
    if (compareKeys(range.begin, range.end) >= 0) return this.#asOfThisLife({ items: [], more: false });

    const bytesMax =
      mode === 'iterator' ? (ITERATION_BYTES[Math.min(Math.max(iteration, 1), ITERATION_BYTES.length) - 1] ?? 0) : MODE_BYTES[mode];
    const items: KeyValue[] = [];
    let bytes = 0;
    let more = false;
    for (const item of this.#merged(range, reverse)) {
      items.push(item);
      bytes += item.key.length + item.value.length;
      more = (limit > 0 && items.length === limit) || bytes >= bytesMax;
      if (more) break;
      if (items.length % ITEMS_A_TURN === 0) await this.#turn(life);
    }
    const last = items.at(-1);
    const seen =
      !more || last === undefined ? range : reverse ? { begin: last.key, end: range.end } : { begin: range.begin, end: keyAfter(last.key) };
    this.#buffer.refuseUnreadable(seen);
    if (!snapshotOnly) this.#dependOn(seen);
    return this.#asOfThisLife({ items, more });
  }

  /** A bound of a range; the common selectors are bounds as they stand and need no read. */
  async #bound(bound: Bytes | KeySelector, snapshotOnly: boolean, life: number): Promise<Bytes> {
    if (bound instanceof Uint8Array) return checkedBound(copyOf(bound));
    const selector = checkedSelector(bound);
    if (selector.offset === 1) return selector.orEqual ? earlier(keyAfter(selector.key), END_KEY) : selector.key;
    return this.#resolveSelector(selector, snapshotOnly, life);
  }

  async #resolveSelector(selector: KeySelector, snapshotOnly: boolean, life: number): Promise<Bytes> {
    const anchor = selector.orEqual ? earlier(keyAfter(selector.key), END_KEY) : selector.key;
    const forward = selector.offset > 0;
    let left = forward ? selector.offset : 1 - selector.offset;
    let found: Bytes | undefined;
    let walked = 0;
    for (const { key } of this.#merged(forward ? { begin: anchor, end: END_KEY } : { begin: FIRST_KEY, end: anchor }, !forward)) {
      left--;
      if (left === 0) {
        found = key;
        break;
      }
      walked++;
      if (walked % ITEMS_A_TURN === 0) await this.#turn(life);
    }
    const result = found ?? (forward ? END_KEY : FIRST_KEY);
    const seen = forward
      ? { begin: anchor, end: found === undefined ? END_KEY : keyAfter(found) }
      : { begin: found ?? FIRST_KEY, end: anchor };
    this.#buffer.refuseUnreadable(seen);
    if (!snapshotOnly) this.#dependOn(seen);
    return result;
  }

  /** Stored items and own writes as one sequence. */
  *#merged(range: KeyRange, reverse: boolean): Generator<KeyValue, void, undefined> {
    const snapshot = this.#hold();
    const stored = new StoredItems(this.#store.records, snapshot, range, reverse, this.#buffer);
    try {
      let rest = range;
      let item = stored.next();
      for (;;) {
        const own = this.#buffer.ownKey(rest, reverse);
        if (item === undefined && own === undefined) return;
        const order = item === undefined ? 1 : own === undefined ? -1 : compareKeys(item.key, own.key) * (reverse ? -1 : 1);
        const current = order < 0 || own === undefined ? item : undefined;
        const at = current?.key ?? own?.key;
        if (at === undefined) return;
        if (current !== undefined) {
          yield current;
        } else if (own !== undefined) {
          const value = resolve(own.state, order === 0 ? item?.value : undefined);
          if (value !== undefined) yield { key: copyOf(own.key), value: copyOf(value) };
        }
        if (order <= 0) item = stored.next();
        rest = reverse ? { begin: range.begin, end: at } : { begin: keyAfter(at), end: range.end };
      }
    } finally {
      stored.close();
    }
  }

  /** Takes the read version on the first call. */
  #hold(): Snapshot {
    if (this.#held !== undefined) return this.#liveSnapshot();
    this.#held = this.#wantedVersion === undefined ? this.#store.newestSnapshot() : this.#store.snapshotAt(this.#wantedVersion);
    this.#heldSince = this.#held.takenAt;
    return this.#held;
  }

  #liveSnapshot(): Snapshot {
    const held = this.#held;
    if (held === undefined) return this.#hold();
    if (this.#store.clock.monotonicMicros() - this.#heldSince >= VERSION_LIFE_MICROS) throw tooOld();
    return held;
  }

  #dependOn(range: KeyRange): void {
    for (const part of this.#buffer.dependentParts(range)) {
      const last = this.#reads.at(-1);
      // Reading one key again and again is common and must not grow the list.
      if (last !== undefined && compareKeys(last.begin, part.begin) === 0 && compareKeys(last.end, part.end) === 0) continue;
      this.#reads.push(part);
      this.#grow(part.begin.length + part.end.length);
    }
  }

  #grow(bytes: number): void {
    this.#bytes += bytes;
  }

  #finish(version: number, stamp: Bytes | undefined, watches: readonly PendingWatch[], values: readonly (Bytes | undefined)[]): void {
    this.#phase = 'committed';
    this.#committedVersion = version;
    if (stamp === undefined) {
      this.#stamp?.reject(new DatabaseError(code.noCommitVersion, 'a read-only transaction has no versionstamp'));
    } else {
      this.#stamp?.resolve(stamp);
    }
    this.#stamp = undefined;
    this.#watches = [];
    for (const [i, watch] of watches.entries()) this.#store.activate(watch, values[i]);
    this.#letGo();
  }

  /** Back to the beginning, except for retries, delay and time-out. */
  #forget(): void {
    this.#life++;
    this.#phase = 'open';
    this.#buffer = new WriteBuffer();
    this.#reads = [];
    this.#writeConflicts = [];
    this.#bytes = 0;
    this.#committedVersion = undefined;
    this.#wantedVersion = undefined;
    this.#drop(new DatabaseError(code.transactionCancelled, 'the try that asked for it was given up'));
  }

  #drop(why: unknown): void {
    this.#stamp?.reject(why);
    this.#stamp = undefined;
    for (const watch of this.#watches)
      watch.fail(new DatabaseError(code.operationCancelled, 'the transaction of the watch did not commit'));
    this.#watches = [];
    this.#letGo();
  }

  #letGo(): void {
    if (this.#held !== undefined) this.#store.release(this.#held);
    this.#held = undefined;
  }

  #fail(failure: DatabaseError): void {
    this.#failure ??= failure;
    this.#interrupt(this.#failure);
    this.#drop(this.#failure);
  }

  #interrupt(error: DatabaseError): void {
    for (const wake of this.#interrupts) wake(error);
  }

  #refuseWhenFailed(): void {
    this.#store.refuseWhenClosed();
    const { timeoutMicros = 0 } = this.#options;
    if (this.#failure === undefined && timeoutMicros > 0 && this.#store.clock.monotonicMicros() - this.#startedAt >= timeoutMicros) {
      this.#fail(timedOut(timeoutMicros));
    }
    if (this.#failure !== undefined) throw this.#failure;
  }

  #refuseUnlessOpen(): void {
    this.#refuseWhenFailed();
    if (this.#phase === 'open') return;
    const what = this.#phase === 'committed' ? 'has committed' : 'is committing';
    throw new DatabaseError(code.usedDuringCommit, `the transaction ${what}; reset it to use it again`);
  }

  /** Gives the answer a turn later, unless the transaction was cancelled, reset or timed out by then. */
  async #asOfThisLife<T>(answer: T): Promise<T> {
    const life = this.#life;
    await Promise.resolve();
    this.#refuseWhenFailed();
    if (this.#life !== life) throw reset();
    return answer;
  }

  async #turn(life: number): Promise<void> {
    await this.#store.clock.sleep(0);
    this.#refuseWhenFailed();
    if (this.#life !== life) throw reset();
    this.#liveSnapshot();
  }

  /** The work's result, or the error that cancel, reset or the time-out give, whichever is first. */
  async #interruptible<T>(work: Promise<T>): Promise<T> {
    const interrupted = deferred<never>();
    const wake = (error: DatabaseError): void => interrupted.reject(error);
    this.#interrupts.add(wake);
    const { timeoutMicros = 0 } = this.#options;
    const left = this.#startedAt + timeoutMicros - this.#store.clock.monotonicMicros();
    const timer = timeoutMicros > 0 ? this.#store.clock.after(Math.max(left, 0), () => this.#fail(timedOut(timeoutMicros))) : undefined;
    try {
      return await Promise.race([work, interrupted.promise]);
    } finally {
      timer?.cancel();
      this.#interrupts.delete(wake);
    }
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
      this.#scan.return();
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

function checkReadKey(key: Bytes): void {
  if (compareKeys(key, END_KEY) >= 0) throw outside(key);
}

function checkKey(key: Bytes, extra = 0): void {
  checkReadKey(key);
  if (key.length > KEY_BYTES_MAX + extra) {
    throw new DatabaseError(code.keyTooLarge, `a key of ${key.length} bytes is longer than ${KEY_BYTES_MAX}`);
  }
}

/** `extra` bytes are a trailer that is not stored. */
function checkWrite(key: Bytes, value: Bytes, keyExtra = 0, valueExtra = 0): void {
  checkKey(key, keyExtra);
  if (value.length > VALUE_BYTES_MAX + valueExtra) {
    throw new DatabaseError(code.valueTooLarge, `a value of ${value.length} bytes is longer than ${VALUE_BYTES_MAX}`);
  }
}

function checkRange(begin: Bytes, end: Bytes): void {
  checkedBound(begin);
  checkedBound(end);
  if (compareKeys(begin, end) > 0) throw new DatabaseError(code.invertedRange, 'the range begins after its end');
}

function checkedBound(bound: Bytes): Bytes {
  if (compareKeys(bound, END_KEY) > 0) throw outside(bound);
  return bound;
}

function checkedSelector({ key, orEqual, offset }: KeySelector): KeySelector {
  if (!Number.isSafeInteger(offset))
    throw new DatabaseError(code.clientInvalidOperation, `a selector's offset is an integer, not ${offset}`);
  return { key: checkedBound(copyOf(key)), orEqual, offset };
}

function outside(key: Bytes): DatabaseError {
  return new DatabaseError(
    code.keyOutsideLegalRange,
    `a key that begins ${Buffer.from(key.subarray(0, 8)).toString('hex')} (hex) is outside of the legal range, which ends at ff`,
  );
}

const copyOrAbsent = (value: Bytes | undefined): Bytes | undefined => (value === undefined ? undefined : copyOf(value));

const reset = (): DatabaseError => new DatabaseError(code.transactionCancelled, 'the transaction was reset meanwhile');

const timedOut = (micros: Micros): DatabaseError =>
  new DatabaseError(code.transactionTimedOut, `the transaction took longer than its ${micros} µs`);
