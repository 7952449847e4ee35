/** A transaction as programs hold it: its options, its retries and its time-out, around the try that is under way. */
import {
  type AtomicOperation,
  type Bytes,
  DatabaseError,
  databaseErrorCode as code,
  type KeySelector,
  type Micros,
  type RangeOptions,
  type RangeResult,
  type ReadTransaction,
  type Transaction,
  type TransactionOptions,
  type Watch,
} from '../../ports.js';
import type { Scheduled } from '../host.js';
import { Attempt, type RangeQuestion } from './attempt.js';
import { toBinary } from './binary.js';
import { databaseError, LateError } from './codes.js';
import type { SimDatabase } from './database.js';
import type { Selector } from './store.js';

/** First back-off; each further one is twice as long, up to the transaction's bound. */
const BACKOFF_MICROS_MIN: Micros = 10_000;
const BACKOFF_MICROS_MAX: Micros = 1_000_000;
/** Wait before a new try gets a fresh read version after 1007 and 1009. */
const VERSION_RETRY_MICROS: Micros = 10_000;
const SIZE_LIMIT_MIN = 32;
const SIZE_LIMIT_MAX = 10_000_000;

export class SimTransaction implements Transaction {
  readonly #database: SimDatabase;
  readonly #timeoutMicros: Micros;
  readonly #retryLimit: number;
  readonly #backoffMax: Micros;
  readonly #sizeLimit: number;
  #attempt: Attempt;
  #snapshot: ReadTransaction | undefined;
  #retries = 0;
  #backoff: Micros = BACKOFF_MICROS_MIN;
  #timeout: Scheduled | undefined;
  #backingOff: { readonly wait: Scheduled; readonly reject: (error: DatabaseError) => void } | undefined;

  constructor(database: SimDatabase, options: TransactionOptions) {
    this.#database = database;
    this.#timeoutMicros = natural('timeoutMicros', options.timeoutMicros ?? 0, 0, Number.MAX_SAFE_INTEGER);
    this.#retryLimit = natural('retryLimit', options.retryLimit ?? -1, -1, Number.MAX_SAFE_INTEGER);
    this.#backoffMax = natural('retryDelayMicrosMax', options.retryDelayMicrosMax ?? BACKOFF_MICROS_MAX, 0, Number.MAX_SAFE_INTEGER);
    this.#sizeLimit = natural('sizeLimit', options.sizeLimit ?? SIZE_LIMIT_MAX, SIZE_LIMIT_MIN, SIZE_LIMIT_MAX);
    this.#attempt = new Attempt(database, this.#sizeLimit);
    this.#startTimeout();
  }

  get snapshot(): ReadTransaction {
    this.#snapshot ??= {
      get: (key) => this.#attempt.get(key, true),
      getKey: (selector) => this.#getKey(selector, true),
      getRange: (begin, end, options) => this.#getRange(begin, end, options, true),
    };
    return this.#snapshot;
  }

  get(key: Bytes): Promise<Bytes | undefined> {
    return this.#attempt.get(key, false);
  }

  getKey(selector: KeySelector): Promise<Bytes> {
    return this.#getKey(selector, false);
  }

  getRange(begin: Bytes | KeySelector, end: Bytes | KeySelector, options?: RangeOptions): Promise<RangeResult> {
    return this.#getRange(begin, end, options, false);
  }

  set(key: Bytes, value: Bytes): void {
    this.#attempt.set(key, value);
  }

  clear(key: Bytes): void {
    this.#attempt.clear(key);
  }

  clearRange(begin: Bytes, end: Bytes): void {
    this.#attempt.clearRange(toBinary(begin), toBinary(end));
  }

  atomic(operation: AtomicOperation, key: Bytes, operand: Bytes): void {
    this.#attempt.atomic(operation, key, operand);
  }

  watch(key: Bytes): Watch {
    return this.#attempt.watch(key);
  }

  addReadConflictRange(begin: Bytes, end: Bytes): void {
    this.#attempt.addReadConflictRange(toBinary(begin), toBinary(end));
  }

  addWriteConflictRange(begin: Bytes, end: Bytes): void {
    this.#attempt.addWriteConflictRange(toBinary(begin), toBinary(end));
  }

  getReadVersion(): Promise<number> {
    return this.#attempt.getReadVersion();
  }

  setReadVersion(version: number): void {
    this.#attempt.setReadVersion(version);
  }

  commit(): Promise<void> {
    const attempt = this.#attempt;
    const committed = attempt.commit();
    if (this.#timeout === undefined) return committed;
    return committed.then(() => {
      if (attempt === this.#attempt) this.#stopTimeout();
    });
  }

  committedVersion(): number {
    return this.#attempt.committedVersion();
  }

  versionstamp(): Promise<Bytes> {
    return this.#attempt.versionstamp();
  }

  onError(error: unknown): Promise<void> {
    const attempt = this.#attempt;
    if (attempt.failure !== undefined) return Promise.reject(attempt.failure);
    // What the program itself threw is nothing that the database could mend.
    if (!(error instanceof DatabaseError)) return Promise.reject(error);
    if (!error.retryable || (this.#retryLimit >= 0 && this.#retries >= this.#retryLimit)) {
      attempt.abandon(new LateError(code.transactionCancelled, `given up after ${error.code}`));
      this.#stopTimeout();
      return Promise.reject(error);
    }
    this.#retries++;
    this.#renew();
    return new Promise((resolve, reject) => {
      const wait = this.#database.host.after(this.#backoffFor(error), this.#database.owner, 'database back-off', () => {
        this.#backingOff = undefined;
        resolve();
      });
      this.#backingOff = { wait, reject };
    });
  }

  reset(): void {
    this.#retries = 0;
    this.#backoff = BACKOFF_MICROS_MIN;
    this.#endBackoff(new LateError(code.transactionCancelled));
    this.#renew();
    this.#stopTimeout();
    this.#startTimeout();
  }

  cancel(): void {
    this.#fail(new LateError(code.transactionCancelled));
    this.#stopTimeout();
  }

  /** A new try, with nothing read or written. */
  #renew(): void {
    this.#attempt.abandon(new LateError(code.transactionCancelled));
    this.#attempt = new Attempt(this.#database, this.#sizeLimit);
  }

  #fail(ending: LateError): void {
    this.#attempt.abandon(ending);
    this.#endBackoff(ending);
  }

  #endBackoff(ending: LateError): void {
    this.#backingOff?.wait.cancel();
    this.#backingOff?.reject(ending.error);
    this.#backingOff = undefined;
  }

  #backoffFor(error: DatabaseError): Micros {
    if (error.code === code.transactionTooOld || error.code === code.futureVersion) {
      return Math.min(VERSION_RETRY_MICROS, this.#backoffMax);
    }
    const most = Math.min(this.#backoff, this.#backoffMax);
    this.#backoff = Math.min(this.#backoff * 2, this.#backoffMax);
    return this.#database.random().int(most + 1);
  }

  #startTimeout(): void {
    if (this.#timeoutMicros === 0) return;
    this.#timeout = this.#database.host.after(this.#timeoutMicros, this.#database.owner, 'database time-out', () => {
      if (!this.#attempt.isCommitted) this.#fail(new LateError(code.transactionTimedOut, `${this.#timeoutMicros} microseconds`));
    });
  }

  #stopTimeout(): void {
    this.#timeout?.cancel();
    this.#timeout = undefined;
  }

  // An async function, so that a bad argument is a rejection like every other failure of a read.
  async #getKey(selector: KeySelector, snapshot: boolean): Promise<Bytes> {
    return this.#attempt.getKey(internal(selector), snapshot);
  }

  async #getRange(
    begin: Bytes | KeySelector,
    end: Bytes | KeySelector,
    options: RangeOptions = {},
    snapshot: boolean,
  ): Promise<RangeResult> {
    return this.#attempt.getRange(rangeQuestion(begin, end, options), snapshot);
  }
}

function internal({ key, orEqual, offset }: KeySelector): Selector {
  if (!Number.isSafeInteger(offset)) throw databaseError(code.clientInvalidOperation, `a selector's offset is an integer, not ${offset}`);
  return { key: toBinary(key), orEqual, offset };
}

const bound = (at: Bytes | KeySelector): Selector =>
  at instanceof Uint8Array ? { key: toBinary(at), orEqual: false, offset: 1 } : internal(at);

/** Bytes that a call in each mode brings, as FoundationDB's client has them; 0 is no bound. */
const MODE_BYTES = { 'want-all': 0, exact: 0, small: 256, medium: 1000, large: 4096, serial: 120_000 } as const;
/** Bytes that the n-th call in mode `iterator` brings. */
const ITERATION_BYTES = [4096, 6144, 9216, 13_824, 20_736, 31_104, 46_656, 69_984, 80_000, 120_000] as const;

function rangeQuestion(begin: Bytes | KeySelector, end: Bytes | KeySelector, options: RangeOptions): RangeQuestion {
  const { limit = 0, reverse = false, mode = 'want-all', iteration = 1 } = options;
  if (!Number.isSafeInteger(limit) || limit < 0) {
    throw databaseError(code.clientInvalidOperation, `a range limit is an integer from 0, not ${limit}`);
  }
  if (mode === 'exact' && limit === 0) throw databaseError(code.exactModeWithoutLimits);
  if (!Number.isSafeInteger(iteration) || iteration < 1) {
    throw databaseError(code.clientInvalidOperation, `iterations count from 1, not ${iteration}`);
  }
  const bytes = mode === 'iterator' ? ITERATION_BYTES[Math.min(iteration, ITERATION_BYTES.length) - 1] : MODE_BYTES[mode];
  return { begin: bound(begin), end: bound(end), limits: { items: limit, bytes: bytes ?? 0 }, reverse };
}

function natural(name: string, value: number, min: number, max: number): number {
  if (!Number.isSafeInteger(value) || value < min || value > max) {
    throw databaseError(code.invalidOptionValue, `${name} is ${value}, not an integer from ${min} to ${max}`);
  }
  return value;
}
