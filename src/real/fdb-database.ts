/** The Database port on FoundationDB itself, through the npm package `foundationdb`. Semantics, limits and codes are FoundationDB's own. */
import {
  type AtomicOperation,
  type Bytes,
  type Database,
  DatabaseError,
  databaseErrorCode as code,
  type KeySelector,
  type KeyValue,
  keySelector,
  PortError,
  type RangeOptions,
  type RangeResult,
  type ReadTransaction,
  type StreamingMode,
  type Transaction,
  type TransactionOptions,
  type Watch,
} from '../ports.js';
import {
  type FdbDatabase,
  type FdbKeySelector,
  type FdbModule,
  type FdbTransaction,
  type FdbWatch,
  findClusterFile,
  loadFdbModule,
} from './fdb-module.js';
import { checkedOptions } from './transaction-options.js';

export interface FoundationDatabaseOptions {
  /** Path of the cluster file; `FDB_CLUSTER_FILE` or the system's when absent. */
  readonly clusterFile?: string;
  /** 710 by default; the client library must be as new. */
  readonly apiVersion?: number;
  /** The package, already loaded. */
  readonly module?: FdbModule;
}

const API_VERSION = 710;

/** FoundationDB's numbers, from its `fdb.options`. */
const MUTATION: Readonly<Record<AtomicOperation, number>> = {
  add: 2,
  'bit-and': 6,
  'bit-or': 7,
  'bit-xor': 8,
  'append-if-fits': 9,
  max: 12,
  min: 13,
  'set-versionstamped-key': 14,
  'set-versionstamped-value': 15,
  'byte-min': 16,
  'byte-max': 17,
  'compare-and-clear': 20,
};
const MODE: Readonly<Record<StreamingMode, number>> = {
  'want-all': -2,
  iterator: -1,
  exact: 0,
  small: 1,
  medium: 2,
  large: 3,
  serial: 4,
};
const OPTION = { timeoutMillis: 500, retryLimit: 501, retryDelayMillisMax: 502, sizeLimit: 503 } as const;

/**
 * Connects to a cluster; the connection itself is made with the first read. Errors: PortError `unavailable` when the package or the
 * client library is missing or too old, DatabaseError 1515 when there is no cluster file.
 */
export async function openFoundationDatabase(options: FoundationDatabaseOptions = {}): Promise<Database> {
  const module = options.module ?? (await loadFdbModule());
  const clusterFile = findClusterFile(options.clusterFile);
  const apiVersion = options.apiVersion ?? API_VERSION;
  try {
    module.setAPIVersion(apiVersion);
  } catch (error) {
    throw new PortError(
      'unavailable',
      `FoundationDB's client refuses API version ${apiVersion}: ${reasonOf(error)}; install foundationdb-clients of version ${Math.floor(apiVersion / 100)}.${Math.floor(apiVersion / 10) % 10} or later`,
    );
  }
  try {
    return new FoundationDatabase(module.open(clusterFile));
  } catch (error) {
    throw translated(error);
  }
}

class FoundationDatabase implements Database {
  readonly #database: FdbDatabase;
  /** Watches that have not ended; closing ends them, because the package would leave them waiting. */
  readonly watches = new Set<FdbWatch>();
  #closed = false;

  constructor(database: FdbDatabase) {
    this.#database = database;
  }

  transaction(options: TransactionOptions = {}): Transaction {
    this.refuseWhenClosed();
    return new FoundationTransaction(this, this.#database.rawCreateTransaction(), checkedOptions(options));
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const watch of this.watches) watch.cancel();
    this.#database.close();
  }

  refuseWhenClosed(): void {
    if (this.#closed) throw new DatabaseError(code.operationCancelled, 'the database is closed');
  }
}

/** Reads, with or without read conflicts. */
class Reads implements ReadTransaction {
  constructor(
    readonly database: FoundationDatabase,
    readonly native: FdbTransaction,
  ) {}

  get(key: Bytes): Promise<Bytes | undefined> {
    return this.#read(async () => {
      const value = await this.native.get(buffer(key));
      return value === undefined || value === null ? undefined : plain(value);
    });
  }

  getKey(selector: KeySelector): Promise<Bytes> {
    return this.#read(async () => {
      const key = await this.native.getKey(nativeSelector(selector));
      if (key === undefined) return new Uint8Array(0);
      // Keys of the system lie behind the end of the ordinary ones, which is what the port tells.
      return key[0] === 0xff ? Uint8Array.of(0xff) : plain(key);
    });
  }

  getRange(begin: Bytes | KeySelector, end: Bytes | KeySelector, options: RangeOptions = {}): Promise<RangeResult> {
    const { limit = 0, reverse = false, mode = 'want-all', iteration = 1 } = options;
    return this.#read(async () => {
      if (!Number.isSafeInteger(limit) || limit < 0) {
        throw new DatabaseError(code.clientInvalidOperation, `a range limit is an integer from 0, not ${limit}`);
      }
      let [from, to] = [nativeSelector(asSelector(begin)), nativeSelector(asSelector(end))];
      const items: KeyValue[] = [];
      // FoundationDB cuts every answer at some size, also of `want-all`, which the port promises whole.
      for (let call = 0; ; call++) {
        const left = limit === 0 ? 0 : limit - items.length;
        const part = await this.native.getRangeNative(from, to, left, 0, MODE[mode], iteration + call, reverse);
        for (const [key, value] of part.results) items.push({ key: plain(key), value: plain(value) });
        const full = limit > 0 && items.length >= limit;
        const last = part.results.at(-1)?.[0];
        if (!part.more || full || last === undefined || (mode !== 'want-all' && mode !== 'exact')) return { items, more: part.more };
        if (reverse) to = nativeSelector(keySelector.firstGreaterOrEqual(last));
        else from = nativeSelector(keySelector.firstGreaterThan(last));
      }
    });
  }

  #read<T>(work: () => Promise<T>): Promise<T> {
    return attempt(() => {
      this.database.refuseWhenClosed();
      return work();
    });
  }
}

class FoundationTransaction implements Transaction {
  readonly snapshot: ReadTransaction;
  readonly #database: FoundationDatabase;
  readonly #native: FdbTransaction;
  readonly #options: TransactionOptions;
  readonly #reads: ReadTransaction;
  #committed = false;

  constructor(database: FoundationDatabase, native: FdbTransaction, options: TransactionOptions) {
    this.#database = database;
    this.#native = native;
    this.#options = options;
    this.#reads = new Reads(database, native);
    this.snapshot = new Reads(database, native.snapshot());
    this.#setOptions();
  }

  get(key: Bytes): Promise<Bytes | undefined> {
    return this.#reads.get(key);
  }

  getKey(selector: KeySelector): Promise<Bytes> {
    return this.#reads.getKey(selector);
  }

  getRange(begin: Bytes | KeySelector, end: Bytes | KeySelector, options?: RangeOptions): Promise<RangeResult> {
    return this.#reads.getRange(begin, end, options);
  }

  set(key: Bytes, value: Bytes): void {
    this.#write(() => this.#native.set(buffer(key), buffer(value)));
  }

  clear(key: Bytes): void {
    this.#write(() => this.#native.clear(buffer(key)));
  }

  clearRange(begin: Bytes, end: Bytes): void {
    this.#write(() => this.#native.clearRange(buffer(begin), buffer(end)));
  }

  atomic(operation: AtomicOperation, key: Bytes, operand: Bytes): void {
    this.#write(() => this.#native.atomicOpNative(MUTATION[operation], buffer(key), buffer(operand)));
  }

  watch(key: Bytes): Watch {
    const watch = this.#write(() => this.#native.watch(buffer(key), { throwAllErrors: true }));
    const { watches } = this.#database;
    watches.add(watch);
    const changed = watch.promise.then(
      () => {
        watches.delete(watch);
      },
      (error: unknown) => {
        watches.delete(watch);
        throw translated(error);
      },
    );
    // A program may drop the promise; the failure of a watch nobody waits for is no failure of the process.
    changed.catch(() => undefined);
    return { changed, cancel: () => watch.cancel() };
  }

  addReadConflictRange(begin: Bytes, end: Bytes): void {
    this.#write(() => this.#native.addReadConflictRange(buffer(begin), buffer(end)));
  }

  addWriteConflictRange(begin: Bytes, end: Bytes): void {
    this.#write(() => this.#native.addWriteConflictRange(buffer(begin), buffer(end)));
  }

  getReadVersion(): Promise<number> {
    return attempt(async () => {
      this.#database.refuseWhenClosed();
      return versionOf(await this.#native.getReadVersion());
    });
  }

  setReadVersion(version: number): void {
    if (!Number.isSafeInteger(version) || version < 0) {
      throw new DatabaseError(code.clientInvalidOperation, `a read version is an integer from 0, not ${version}`);
    }
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64BE(BigInt(version));
    this.#write(() => this.#native.setReadVersion(bytes));
  }

  commit(): Promise<void> {
    return attempt(async () => {
      this.#database.refuseWhenClosed();
      await this.#native.rawCommit();
      this.#committed = true;
    });
  }

  committedVersion(): number {
    if (!this.#committed) throw new DatabaseError(code.clientInvalidOperation, 'the transaction has not committed, so it has no version');
    return versionOf(this.#native.getCommittedVersion());
  }

  versionstamp(): Promise<Bytes> {
    const stamp = attempt(async () => {
      this.#database.refuseWhenClosed();
      return plain(await this.#native.getVersionstamp().promise);
    });
    // A program that retries drops the promise of the failed try; that must not count as unhandled.
    stamp.catch(() => undefined);
    return stamp;
  }

  async onError(error: unknown): Promise<void> {
    this.#database.refuseWhenClosed();
    if (!(error instanceof DatabaseError)) throw error;
    this.#committed = false;
    try {
      await this.#native.rawOnError(error.code);
    } catch (refused) {
      const failure = translated(refused);
      throw failure instanceof DatabaseError && failure.code === error.code ? error : failure;
    }
  }

  reset(): void {
    this.#committed = false;
    this.#write(() => this.#native.rawReset());
    // FoundationDB forgets a transaction's options when it is reset by hand, but not on a retry.
    this.#setOptions();
  }

  cancel(): void {
    this.#native.rawCancel();
  }

  #setOptions(): void {
    const { timeoutMicros, retryLimit, retryDelayMicrosMax, sizeLimit } = this.#options;
    const set = (option: number, value: number | undefined): void => {
      if (value !== undefined) this.#write(() => this.#native.setOption(option, value));
    };
    set(OPTION.timeoutMillis, timeoutMicros === undefined ? undefined : Math.ceil(timeoutMicros / 1_000));
    set(OPTION.retryLimit, retryLimit);
    set(OPTION.retryDelayMillisMax, retryDelayMicrosMax === undefined ? undefined : Math.ceil(retryDelayMicrosMax / 1_000));
    set(OPTION.sizeLimit, sizeLimit);
  }

  #write<T>(work: () => T): T {
    this.#database.refuseWhenClosed();
    try {
      return work();
    } catch (error) {
      throw translated(error);
    }
  }
}

async function attempt<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw translated(error);
  }
}

/** The package's error as the port's; what is none of FoundationDB's stays as it is. */
function translated(error: unknown): unknown {
  if (error instanceof DatabaseError || !(error instanceof Error) || !('code' in error) || typeof error.code !== 'number') return error;
  return new DatabaseError(error.code, error.message);
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** The same bytes as the package wants them. */
const buffer = (bytes: Bytes): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);

/** A copy that is no Buffer, whose `slice` would share its bytes. */
const plain = (bytes: Buffer): Bytes => new Uint8Array(bytes);

const versionOf = (bytes: Buffer): number => Number(bytes.readBigInt64BE(0));

const asSelector = (bound: Bytes | KeySelector): KeySelector =>
  bound instanceof Uint8Array ? keySelector.firstGreaterOrEqual(bound) : bound;

const nativeSelector = ({ key, orEqual, offset }: KeySelector): FdbKeySelector => ({
  key: buffer(key),
  orEqual,
  offset,
  _isKeySelector: true,
});
