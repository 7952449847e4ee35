/**
 * The Database port on LMDB, for machines without a FoundationDB server: one directory, shared by all processes on the machine that
 * open it. LMDB gives the snapshots, the single writer and the durable commit; this file adds optimistic conflict detection. A commit
 * runs inside LMDB's write lock: it compares what it read with what later commits wrote (`embedded/commit-log.ts`), applies its
 * mutations and appends its own writes to that log. Commits that wait for the lock together share one sync of the disk.
 *
 * A process that is killed inside the lock frees it (robust mutex); one that is stopped inside it (SIGSTOP) holds up the commits of
 * all others until it goes on. The file is mapped into memory, so it must lie on a local file system.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { open, type RootDatabase } from 'lmdb';
import {
  type Bytes,
  type Clock,
  type Database,
  DatabaseError,
  databaseErrorCode as code,
  type Micros,
  type Random,
  type Transaction,
  type TransactionOptions,
} from '../ports.js';
import { type Deferred, deferred } from './deferred.js';
import { applyOperation } from './embedded/atomics.js';
import { ConflictWindow, coarsened, decodeEntry, encodeEntry, wallMicrosOf, type WrittenKeys } from './embedded/commit-log.js';
import { refuseDamagedFile } from './embedded/file-header.js';
import { type ByteStore, Records, sealed, unsealed } from './embedded/records.js';
import { READERS_MAX, Snapshots, tooOld, VERSION_LIFE_MICROS } from './embedded/snapshots.js';
import {
  type CommitOutcome,
  type CommitRequest,
  EmbeddedTransaction,
  type PendingWatch,
  type TransactionStore,
} from './embedded/transaction.js';
import { stampedWith } from './embedded/write-buffer.js';
import { Watches } from './embedded/watches.js';

export interface EmbeddedDatabaseOptions {
  /** Directory of the store, created when absent. Processes that name the same one share it. */
  readonly directory: string;
  readonly clock: Clock;
  readonly random: Random;
  /** Bound of all keys and values together, 16 GiB by default. The file comes to about twice as much, and never shrinks. */
  readonly bytesMax?: number;
  /** How often changes by other processes are looked for while there are watches. 10 ms by default. */
  readonly watchPollMicros?: Micros;
}

const BYTES_MAX = 16 * 1024 ** 3;
/** Address space for each byte of the bound: for half-full pages, old versions and the log. LMDB maps anew when it is too little. */
const MAP_FACTOR = 4;
const WATCH_POLL_MICROS: Micros = 10_000;
/** Largest pages for which LMDB takes the longest keys that its binding allows. */
const PAGE_BYTES = 8_192;
const FORMAT = 1;
const COMMITS_A_BATCH = 256;
const COMMITS_WAITING_MAX = 10_000;
/** Log entries older than any transaction may be, with room for clocks that jump. */
const LOG_LIFE_MICROS: Micros = 2 * VERSION_LIFE_MICROS;
const LOG_ENTRIES_MAX = 100_000;
const STALE_READERS_CHECK_MICROS: Micros = 1_000_000;

const formatKey = Buffer.from('format');
const versionKey = Buffer.from('version');
/** Length of all stored keys and records. */
const bytesKey = Buffer.from('bytes');
/** Log entries up to this version may be gone. */
const floorKey = Buffer.from('floor');

/** Opens the store. Throws `DatabaseError`: 1510 when the files cannot be used, 1522 when they are damaged or of another format. */
export function openEmbeddedDatabase(options: EmbeddedDatabaseOptions): Database {
  const { directory, bytesMax = BYTES_MAX } = options;
  if (!Number.isSafeInteger(bytesMax) || bytesMax < 64 * PAGE_BYTES) {
    throw new DatabaseError(code.invalidOptionValue, `bytesMax is an integer from ${64 * PAGE_BYTES}, not ${bytesMax}`);
  }
  let root: RootDatabase;
  try {
    mkdirSync(directory, { recursive: true });
    refuseDamagedFile(join(directory, 'data.mdb'), PAGE_BYTES);
    root = open({
      path: directory,
      noSubdir: false,
      pageSize: PAGE_BYTES,
      mapSize: MAP_FACTOR * bytesMax,
      maxReaders: READERS_MAX,
      maxDbs: 3,
      // With it a commit shows before it is durable, and an answer could be given that a power failure takes back.
      overlappingSync: false,
      // Batches are made here, and the binding's own leave a rejected promise behind when the disk fails, which ends the process.
      eventTurnBatching: false,
    });
  } catch (error) {
    if (error instanceof DatabaseError) throw error;
    throw new DatabaseError(code.ioError, `cannot open the store in ${directory}: ${reasonOf(error)}`);
  }
  try {
    return new EmbeddedDatabase(root, options);
  } catch (error) {
    void root.close();
    throw error;
  }
}

interface WaitingCommit extends Deferred<CommitOutcome> {
  readonly request: CommitRequest;
}

type Applied = { readonly outcome: CommitOutcome; readonly writes: readonly WrittenKeys[] } | { readonly error: DatabaseError };

class EmbeddedDatabase implements Database, TransactionStore {
  readonly clock: Clock;
  readonly random: Random;
  readonly records: Records;
  readonly #root: RootDatabase;
  readonly #meta: ByteStore;
  readonly #log: ByteStore;
  readonly #snapshots: Snapshots;
  readonly #watches: Watches;
  readonly #bytesMax: number;
  #window: ConflictWindow;
  #waiting: WaitingCommit[] = [];
  #committing: Promise<void> | undefined;
  #staleReadersCheckedAt: Micros;
  #closed: Promise<void> | undefined;

  constructor(root: RootDatabase, options: EmbeddedDatabaseOptions) {
    this.clock = options.clock;
    this.random = options.random;
    this.#root = root;
    this.#bytesMax = options.bytesMax ?? BYTES_MAX;
    const store = (name: string): ByteStore => root.openDB<Buffer, Buffer>({ name, keyEncoding: 'binary', encoding: 'binary' });
    this.#meta = store('meta');
    this.#log = store('log');
    this.records = new Records(store('data'));
    this.#staleReadersCheckedAt = this.clock.monotonicMicros();
    const format = this.#number(formatKey);
    if (format === undefined) this.#root.transactionSync(() => this.#setNumber(formatKey, FORMAT));
    else if (format !== FORMAT) {
      throw new DatabaseError(
        code.fileCorrupt,
        `the store in ${options.directory} has format ${format}, this program reads format ${FORMAT}`,
      );
    }
    this.#window = new ConflictWindow(this.#number(floorKey) ?? 0);
    this.#snapshots = new Snapshots(root, this.clock, (snapshot) => this.#number(versionKey, snapshot) ?? 0);
    this.#watches = new Watches({
      clock: this.clock,
      pollMicros: options.watchPollMicros ?? WATCH_POLL_MICROS,
      newest: () => this.#snapshots.newest(),
      release: (snapshot) => this.#snapshots.release(snapshot),
      value: (key, snapshot) => this.records.get(key, snapshot.lmdb),
    });
  }

  transaction(options: TransactionOptions = {}): Transaction {
    this.refuseWhenClosed();
    return new EmbeddedTransaction(this, options);
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  refuseWhenClosed(): void {
    if (this.#closed !== undefined) throw closedError();
  }

  newestSnapshot() {
    return this.#snapshots.newest();
  }

  snapshotAt(version: number) {
    return this.#snapshots.at(version);
  }

  release(snapshot: Parameters<Snapshots['release']>[0]): void {
    this.#snapshots.release(snapshot);
  }

  newWatch(key: Bytes): PendingWatch {
    return this.#watches.make(key);
  }

  activate(watch: PendingWatch, value: Bytes | undefined): void {
    this.#watches.activate(watch, value);
  }

  commit(request: CommitRequest): Promise<CommitOutcome> {
    if (this.#waiting.length >= COMMITS_WAITING_MAX) {
      throw new DatabaseError(code.processBehind, `${COMMITS_WAITING_MAX} commits wait for the disk already`);
    }
    const waiting = { request, ...deferred<CommitOutcome>() };
    this.#waiting.push(waiting);
    this.#committing ??= this.#commitAll();
    return waiting.promise;
  }

  async #close(): Promise<void> {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { reject } of waiting) reject(closedError());
    this.#watches.close();
    await this.#committing;
    this.#snapshots.close();
    await this.#root.close();
  }

  async #commitAll(): Promise<void> {
    // One turn later, so that all who commit in this turn share the first sync.
    await Promise.resolve();
    while (this.#waiting.length > 0) await this.#commitBatch(this.#waiting.splice(0, COMMITS_A_BATCH));
    this.#committing = undefined;
  }

  async #commitBatch(batch: readonly WaitingCommit[]): Promise<void> {
    let applied: readonly Applied[] | undefined;
    try {
      await this.#root.childTransaction(() => {
        applied = this.#applyAll(batch);
      });
    } catch (error) {
      // The window may tell of commits that never came to be; it is read again from the log.
      this.#window = new ConflictWindow(0);
      const cause = await causeOf(error);
      if (applied === undefined && batch.length > 1) {
        // One transaction's damaged record or lack of room must not fail those that shared its sync.
        for (const one of batch) await this.#commitBatch([one]);
        return;
      }
      const failure = commitFailure(cause, applied !== undefined);
      for (const { reject } of batch) reject(failure);
      return;
    }
    for (const [i, { resolve, reject }] of batch.entries()) {
      const one = applied?.[i];
      if (one === undefined) reject(new DatabaseError(code.ioError, 'the commit was not carried out'));
      else if ('error' in one) reject(one.error);
      else resolve(one.outcome);
    }
    this.#watches.look();
  }

  /** Inside LMDB's write transaction. What throws here undoes the whole batch. */
  #applyAll(batch: readonly WaitingCommit[]): readonly Applied[] {
    const floor = this.#number(floorKey) ?? 0;
    this.#readLog(floor);
    const bytesBefore = this.#number(bytesKey) ?? 0;
    this.records.growth = 0;
    const before = this.#window.newest;
    const wallMicros = this.clock.wallMicros();
    const applied = batch.map(({ request }) => {
      const growthBefore = this.records.growth;
      const one = this.#judgeAndApply(request, floor, this.#window.newest + 1);
      if ('error' in one) return one;
      this.#refuseWhenFull(bytesBefore + this.records.growth, this.records.growth - growthBefore);
      const entry = { version: one.outcome.version, wallMicros, writes: coarsened(one.writes) };
      const key = numberBytes(entry.version);
      this.#log.putSync(key, sealed(key, encodeEntry(entry)));
      this.#window.add(entry);
      return one;
    });
    if (this.#window.newest > before) {
      this.#setNumber(versionKey, this.#window.newest);
      this.#setNumber(bytesKey, bytesBefore + this.records.growth);
      this.#prune(floor, wallMicros, 2 * batch.length + 8);
      this.#dropStaleReaders();
    }
    return applied;
  }

  #judgeAndApply(request: CommitRequest, floor: number, version: number): Applied {
    if (!request.wanted()) return { error: new DatabaseError(code.transactionCancelled, 'the transaction was given up before its commit') };
    if (request.readVersion !== undefined) {
      if (request.readVersion < floor) return { error: tooOld() };
      if (this.#window.conflicts(request.readVersion, request.reads)) {
        return { error: new DatabaseError(code.notCommitted, 'a later commit changed what the transaction had read') };
      }
    }
    const stamp = Buffer.alloc(10);
    stamp.writeBigUInt64BE(BigInt(version), 0);
    const writes = this.#apply(request, stamp);
    const watchedValues = request.watchedKeys.map((key) => this.records.get(key));
    return { outcome: { version, stamp: new Uint8Array(stamp), watchedValues }, writes };
  }

  #apply({ mutations, writeConflicts }: CommitRequest, stamp: Bytes): readonly WrittenKeys[] {
    const writes: WrittenKeys[] = [...writeConflicts];
    for (const mutation of mutations) {
      switch (mutation.do) {
        case 'set':
          this.records.put(mutation.key, mutation.value);
          writes.push({ begin: mutation.key });
          break;
        case 'clear':
          this.records.remove(mutation.key);
          writes.push({ begin: mutation.key });
          break;
        case 'clear-range':
          this.records.removeRange(mutation);
          writes.push({ begin: mutation.begin, end: mutation.end });
          break;
        case 'atomic': {
          const { operation, operand } = mutation;
          const key = operation === 'set-versionstamped-key' ? stampedWith(mutation.key, stamp) : mutation.key;
          if (operation === 'set-versionstamped-key') {
            this.records.put(key, operand);
          } else if (operation === 'set-versionstamped-value') {
            this.records.put(key, stampedWith(operand, stamp));
          } else {
            const value = applyOperation(operation, this.records.get(key), operand);
            if (value === undefined) this.records.remove(key);
            else this.records.put(key, value);
          }
          writes.push({ begin: key });
          break;
        }
      }
    }
    return writes;
  }

  /** A transaction that makes the store smaller is always let through. */
  #refuseWhenFull(bytes: number, grownBytes: number): void {
    if (bytes <= this.#bytesMax || grownBytes <= 0) return;
    throw new DatabaseError(
      code.ioError,
      `the store is full: the transaction would bring its keys and values to ${bytes} bytes, \`bytesMax\` is ${this.#bytesMax}`,
    );
  }

  /** Adds what other processes have committed since the last time. */
  #readLog(floor: number): void {
    const newest = this.#number(versionKey) ?? 0;
    if (this.#window.newest < floor) this.#window = new ConflictWindow(floor);
    this.#window.dropThrough(floor);
    if (this.#window.newest === newest) return;
    const start = numberBytes(this.#window.newest + 1);
    for (const { key, value } of this.#log.getRange({ start, end: numberBytes(newest + 1) })) {
      const version = bytesNumber(key);
      if (version !== this.#window.newest + 1) break;
      this.#window.add(decodeEntry(version, unsealed(key, value)));
    }
    if (this.#window.newest !== newest) {
      throw new DatabaseError(code.fileCorrupt, `the commit log ends at version ${this.#window.newest}, the store is at ${newest}`);
    }
  }

  /** Removes entries that no transaction can need any more, at most so many. */
  #prune(floor: number, now: Micros, entriesMax: number): void {
    let kept = floor;
    for (const { key, value } of this.#log.getRange({ start: numberBytes(floor + 1), limit: entriesMax })) {
      const version = bytesNumber(key);
      // An entry from the future is one from before the wall clock was set back; its age is unknown, so it counts as old.
      const age = Math.abs(now - wallMicrosOf(unsealed(key, value)));
      if (age < LOG_LIFE_MICROS && this.#window.newest - version < LOG_ENTRIES_MAX) break;
      kept = version;
    }
    if (kept === floor) return;
    for (let version = floor + 1; version <= kept; version++) this.#log.removeSync(numberBytes(version));
    this.#setNumber(floorKey, kept);
  }

  /** A killed process leaves its snapshots behind, and they would keep every page from being used again. */
  #dropStaleReaders(): void {
    const now = this.clock.monotonicMicros();
    if (now - this.#staleReadersCheckedAt < STALE_READERS_CHECK_MICROS) return;
    this.#staleReadersCheckedAt = now;
    this.#root.readerCheck();
  }

  #number(name: Buffer, snapshot?: Parameters<Records['get']>[1]): number | undefined {
    const record = snapshot === undefined ? this.#meta.get(name) : this.#meta.get(name, { transaction: snapshot });
    return record === undefined ? undefined : bytesNumber(Buffer.from(unsealed(name, record)));
  }

  #setNumber(name: Buffer, value: number): void {
    this.#meta.putSync(name, sealed(name, numberBytes(value)));
  }
}

function numberBytes(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value), 0);
  return bytes;
}

const bytesNumber = (bytes: Buffer): number => Number(bytes.readBigUInt64BE(0));

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const closedError = (): DatabaseError => new DatabaseError(code.operationCancelled, 'the database is closed');

/** The binding tells what the disk said by a promise in a field of its error. */
async function causeOf(error: unknown): Promise<unknown> {
  if (!(error instanceof Error) || !('commitError' in error)) return error;
  return Promise.resolve(error.commitError).catch((cause: unknown) => cause);
}

/** What a failed batch means for its transactions. */
function commitFailure(error: unknown, applied: boolean): DatabaseError {
  if (error instanceof DatabaseError) return error;
  // What fails before the last step is undone by LMDB; a failed sync may or may not have reached the disk.
  return applied
    ? new DatabaseError(code.commitUnknownResult, `the disk failed while it committed: ${reasonOf(error)}`)
    : new DatabaseError(code.ioError, `nothing was written: ${reasonOf(error)}`);
}
