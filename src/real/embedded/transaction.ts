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
  type Micros,
  type Random,
  type RangeOptions,
  type RangeResult,
  type ReadTransaction,
  type Transaction,
  type TransactionOptions,
  type Watch,
} from '../../ports.js';
import { type Deferred, deferred } from '../deferred.js';
import { checkedOptions } from '../transaction-options.js';
import { compareKeys, copyOf, type KeyRange, mergeRanges } from './key-order.js';
import { checkKey, checkRange, checkWrite } from './legal.js';
import { type ReadScope, readKey, readRange, readSelector } from './reads.js';
import type { Records } from './records.js';
import { type Snapshot, tooOld, VERSION_LIFE_MICROS } from './snapshots.js';
import { type Mutation, WriteBuffer } from './write-buffer.js';

const TRANSACTION_BYTES_MAX = 10_000_000;
const RETRY_DELAY_MICROS_FIRST: Micros = 10_000;
const RETRY_DELAY_MICROS_MAX: Micros = 1_000_000;

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
      get: (key) => this.#read(true, (scope) => readKey(scope, key)),
      getKey: (selector) => this.#read(true, (scope) => readSelector(scope, selector)),
      getRange: (begin, end, rangeOptions) => this.#read(true, (scope) => readRange(scope, begin, end, rangeOptions)),
    };
  }

  get(key: Bytes): Promise<Bytes | undefined> {
    return this.#read(false, (scope) => readKey(scope, key));
  }

  getKey(selector: KeySelector): Promise<Bytes> {
    return this.#read(false, (scope) => readSelector(scope, selector));
  }

  getRange(begin: Bytes | KeySelector, end: Bytes | KeySelector, options?: RangeOptions): Promise<RangeResult> {
    return this.#read(false, (scope) => readRange(scope, begin, end, options));
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

  getReadVersion(): Promise<number> {
    return this.#read(true, (scope) => scope.snapshot().version);
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
    const life = this.#life;
    try {
      await this.#commit(life);
    } catch (error) {
      // After a reset, what is held belongs to the next try.
      if (this.#life === life) this.#drop(error);
      throw error;
    }
  }

  async #commit(life: number): Promise<void> {
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

  /** Begins the read at once; its answer holds only while this try goes on. */
  async #read<T>(snapshotOnly: boolean, read: (scope: ReadScope) => Promise<T> | T): Promise<T> {
    this.#refuseUnlessOpen();
    const life = this.#life;
    const answer = await read(this.#scope(life, snapshotOnly));
    this.#refuseUnlessIn(life);
    return answer;
  }

  #scope(life: number, snapshotOnly: boolean): ReadScope {
    return {
      records: this.#store.records,
      buffer: this.#buffer,
      snapshot: () => this.#hold(),
      dependOn: (range) => {
        if (!snapshotOnly) this.#dependOn(range);
      },
      turn: async () => {
        await this.#store.clock.sleep(0);
        this.#refuseUnlessIn(life);
        this.#liveSnapshot();
      },
    };
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

  #refuseUnlessIn(life: number): void {
    this.#refuseWhenFailed();
    if (this.#life !== life) throw reset();
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

const reset = (): DatabaseError => new DatabaseError(code.transactionCancelled, 'the transaction was reset meanwhile');

const timedOut = (micros: Micros): DatabaseError =>
  new DatabaseError(code.transactionTimedOut, `the transaction took longer than its ${micros} µs`);
