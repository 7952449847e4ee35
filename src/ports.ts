/**
 * What a program may ask of the world. A program that touches the world only through a `Platform` runs unchanged in the
 * simulator (`src/sim`) and on a real machine (`src/real`). This file imports nothing.
 */

/** An integer number of microseconds. */
export type Micros = number;

/** The name of a node; also its network address. */
export type NodeId = string;

/** A pending callback. */
export interface Timer {
  /** After this the callback never runs; a second call does nothing. */
  cancel(): void;
}

/** The two clocks of a node, and waiting. */
export interface Clock {
  /** Microseconds since the Unix epoch by the node's wall clock. May be wrong, jump and go backwards. */
  wallMicros(): Micros;
  /** Microseconds by the node's monotonic clock. Never goes back; its origin is arbitrary; it may drift. */
  monotonicMicros(): Micros;
  /** Resolves when at least `micros` have passed on the monotonic clock. */
  sleep(micros: Micros): Promise<void>;
  /** Calls back once, when at least `micros` have passed on the monotonic clock. */
  after(micros: Micros, callback: () => void): Timer;
}

/** Chance. Every decision is an integer or a ratio of integers, so that it is the same on every machine. */
export interface Random {
  /** A uniform integer in `[0, bound)`. Throws RangeError unless `1 <= bound <= 2^53 - 1`. */
  int(bound: number): number;
  /** A uniform integer in `[min, max]`, both inclusive. */
  between(min: number, max: number): number;
  /** True in `numerator` of `denominator` cases. */
  chance(numerator: number, denominator: number): boolean;
  /** One of the items. Throws RangeError when there is none. */
  pick<T>(items: readonly T[]): T;
  /** A new array with the same items in random order. */
  shuffle<T>(items: readonly T[]): T[];
  /** `length` random bytes. */
  bytes(length: number): Uint8Array;
  /** An independent stream named by the path of labels that leads to it; its draws never shift this stream's. */
  fork(label: string): Random;
}

/** Longest message a transport accepts, in bytes. */
export const MESSAGE_BYTES_MAX = 16 * 1024 * 1024;

/** Called with each whole, checksummed message that arrives. The bytes belong to the handler. */
export type MessageHandler = (from: NodeId, bytes: Uint8Array) => void;

/** Messages between nodes: unreliable, unordered, at most once is NOT promised (a message may arrive twice). */
export interface Transport {
  readonly self: NodeId;
  /** Sends and learns nothing. Throws `PortError` `too-large` above MESSAGE_BYTES_MAX and `closed` after `close`. */
  send(to: NodeId, bytes: Uint8Array): void;
  /** Sets the one handler. Throws `PortError` `in-use` when there is one already. */
  listen(handler: MessageHandler): void;
  close(): Promise<void>;
}

/** Why a disk operation failed, as POSIX names it. */
export type DiskErrorCode =
  | 'EIO'
  | 'ENOSPC'
  | 'EROFS'
  | 'ENOENT'
  | 'EEXIST'
  | 'EMFILE'
  | 'EBADF'
  | 'EINVAL'
  | 'EISDIR'
  | 'ENOTDIR'
  | 'ENOTEMPTY';

/** How a file is opened: `read` (must exist), `write` (read and write, created when absent), `create` (must not exist). */
export type OpenMode = 'read' | 'write' | 'create';

/**
 * Files as POSIX gives them: nothing is durable before `sync` of the file, and for a new, renamed or removed name,
 * `syncDirectory` of its directory. Paths are relative, with `/`; `..` is EINVAL. Failures are `PortError` with a DiskErrorCode.
 */
export interface Disk {
  open(path: string, mode: OpenMode): Promise<DiskFile>;
  /** Replaces `to` atomically as far as readers see; durable only after `syncDirectory`. */
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  /** Creates the directory and its parents; existing ones are no error. */
  makeDirectory(path: string): Promise<void>;
  /** The names in a directory, sorted by code unit. ENOENT when there is none. */
  list(directory: string): Promise<readonly string[]>;
  syncDirectory(directory: string): Promise<void>;
}

/** An open file. After `close` every call fails with EBADF. */
export interface DiskFile {
  readonly path: string;
  /** Up to `length` bytes from `offset`; fewer at the end of the file, or when the disk reads short. */
  read(offset: number, length: number): Promise<Uint8Array>;
  /** Writes at `offset` and returns how many bytes were written, which may be fewer than given. A gap reads as zeroes. */
  write(offset: number, bytes: Uint8Array): Promise<number>;
  truncate(length: number): Promise<void>;
  /** Makes written data and length durable. After a failed sync the state of unsynced data is unknown. */
  sync(): Promise<void>;
  size(): Promise<number>;
  close(): Promise<void>;
}

export type PortErrorCode = DiskErrorCode | 'too-large' | 'closed' | 'in-use' | 'invalid-argument' | 'cancelled' | 'unavailable';

/** A failure of a port, with a code that programs may switch on. */
export class PortError extends Error {
  override readonly name = 'PortError';
  constructor(
    readonly code: PortErrorCode,
    message: string,
  ) {
    super(message);
  }
}

/** Reads until `length` bytes or the end of the file, over short reads. */
export async function readFully(file: DiskFile, offset: number, length: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let got = 0;
  while (got < length) {
    const part = await file.read(offset + got, length - got);
    if (part.length === 0) break;
    parts.push(part);
    got += part.length;
  }
  if (parts.length === 1 && parts[0] !== undefined) return parts[0];
  const whole = new Uint8Array(got);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Writes all bytes, over short writes. A write that makes no progress is EIO. */
export async function writeFully(file: DiskFile, offset: number, bytes: Uint8Array): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    const written = await file.write(offset + done, done === 0 ? bytes : bytes.subarray(done));
    if (written <= 0) throw new PortError('EIO', `write of ${file.path} at ${offset + done} made no progress`);
    done += written;
  }
}

/** A key or value of the database: bytes, ordered as unsigned bytes. */
export type Bytes = Uint8Array;

/**
 * Names a key relative to others, as FoundationDB does: start at the last key `< key` (or `<= key` with `orEqual`), then go
 * `offset` keys forward. `firstGreaterOrEqual(k)` is `{key: k, orEqual: false, offset: 1}`.
 */
export interface KeySelector {
  readonly key: Bytes;
  readonly orEqual: boolean;
  readonly offset: number;
}

export const keySelector = {
  lastLessThan: (key: Bytes): KeySelector => ({ key, orEqual: false, offset: 0 }),
  lastLessOrEqual: (key: Bytes): KeySelector => ({ key, orEqual: true, offset: 0 }),
  firstGreaterThan: (key: Bytes): KeySelector => ({ key, orEqual: true, offset: 1 }),
  firstGreaterOrEqual: (key: Bytes): KeySelector => ({ key, orEqual: false, offset: 1 }),
} as const;

/** How much of a range one call brings, as FoundationDB's streaming modes. `want-all` reads until limit or end. */
export type StreamingMode = 'want-all' | 'iterator' | 'exact' | 'small' | 'medium' | 'large' | 'serial';

export interface RangeOptions {
  /** Most items to return; 0 or absent is no limit (refused in mode `exact`). */
  readonly limit?: number;
  readonly reverse?: boolean;
  readonly mode?: StreamingMode;
  /** Counts calls of mode `iterator`, from 1; later ones bring more. */
  readonly iteration?: number;
}

export interface KeyValue {
  readonly key: Bytes;
  readonly value: Bytes;
}

export interface RangeResult {
  readonly items: readonly KeyValue[];
  /** True when the range may hold more than what was returned. */
  readonly more: boolean;
}

/** Reads of a transaction at its read version, merged with its own writes. */
export interface ReadTransaction {
  get(key: Bytes): Promise<Bytes | undefined>;
  /** The key that the selector names; clamps to the empty key and to `0xFF`. */
  getKey(selector: KeySelector): Promise<Bytes>;
  getRange(begin: Bytes | KeySelector, end: Bytes | KeySelector, options?: RangeOptions): Promise<RangeResult>;
}

/** Little-endian integer operations pad or cut to the operand's length, as FoundationDB's. */
export type AtomicOperation =
  | 'add'
  | 'bit-and'
  | 'bit-or'
  | 'bit-xor'
  | 'append-if-fits'
  | 'max'
  | 'min'
  | 'byte-max'
  | 'byte-min'
  | 'compare-and-clear'
  | 'set-versionstamped-key'
  | 'set-versionstamped-value';

export interface Watch {
  /** Resolves when the value may have changed since the transaction; rejects with 1101 when cancelled. */
  readonly changed: Promise<void>;
  cancel(): void;
}

export interface TransactionOptions {
  /** Whole life of the transaction over all retries; then 1031. 0 is no bound. */
  readonly timeoutMicros?: Micros;
  /** How often `onError` retries before it throws; -1 is no bound. */
  readonly retryLimit?: number;
  /** Longest back-off between tries, 1 s by default. */
  readonly retryDelayMicrosMax?: Micros;
  /** Commit size limit in bytes, 10,000,000 by default (2101 above). */
  readonly sizeLimit?: number;
}

/** One optimistic transaction, with FoundationDB's semantics. Failures are `DatabaseError`. */
export interface Transaction extends ReadTransaction {
  /** The same reads without read conflicts. */
  readonly snapshot: ReadTransaction;
  set(key: Bytes, value: Bytes): void;
  clear(key: Bytes): void;
  /** Clears `[begin, end)`. */
  clearRange(begin: Bytes, end: Bytes): void;
  atomic(operation: AtomicOperation, key: Bytes, operand: Bytes): void;
  /** Becomes active when this transaction commits. */
  watch(key: Bytes): Watch;
  addReadConflictRange(begin: Bytes, end: Bytes): void;
  addWriteConflictRange(begin: Bytes, end: Bytes): void;
  getReadVersion(): Promise<number>;
  setReadVersion(version: number): void;
  commit(): Promise<void>;
  /** The version at which it committed, -1 for a read-only one. Throws before commit. */
  committedVersion(): number;
  /** The ten-byte versionstamp of the commit; resolves after commit. Ask before `commit`. */
  versionstamp(): Promise<Bytes>;
  /** Backs off and resets for another try when the error is retryable; else throws it again. */
  onError(error: unknown): Promise<void>;
  /** As new; what was read, written and watched is dropped. */
  reset(): void;
  /** Every pending and later call fails with 1025. */
  cancel(): void;
}

/** An ordered, transactional key-value store: FoundationDB, the embedded store, or the simulated one. */
export interface Database {
  transaction(options?: TransactionOptions): Transaction;
  close(): Promise<void>;
}

/** FoundationDB's error codes that programs meet here. */
export const databaseErrorCode = {
  transactionTooOld: 1007,
  futureVersion: 1009,
  notCommitted: 1020,
  commitUnknownResult: 1021,
  transactionCancelled: 1025,
  transactionTimedOut: 1031,
  tooManyWatches: 1032,
  watchesDisabled: 1034,
  accessedUnreadable: 1036,
  processBehind: 1037,
  databaseLocked: 1038,
  clusterVersionChanged: 1039,
  operationCancelled: 1101,
  tagThrottled: 1213,
  ioError: 1510,
  noClusterFile: 1515,
  checksumFailed: 1520,
  fileCorrupt: 1522,
  clientInvalidOperation: 2000,
  keyOutsideLegalRange: 2004,
  invertedRange: 2005,
  invalidOptionValue: 2006,
  readVersionAlreadySet: 2010,
  usedDuringCommit: 2017,
  invalidMutationType: 2018,
  noCommitVersion: 2021,
  transactionTooLarge: 2101,
  keyTooLarge: 2102,
  valueTooLarge: 2103,
  exactModeWithoutLimits: 2210,
} as const;

const RETRYABLE_NOT_COMMITTED: ReadonlySet<number> = new Set([1007, 1009, 1020, 1037, 1038, 1213]);
const MAYBE_COMMITTED: ReadonlySet<number> = new Set([1021, 1039]);

/** A failure of the database, by FoundationDB's number. */
export class DatabaseError extends Error {
  override readonly name = 'DatabaseError';
  constructor(
    readonly code: number,
    message: string,
  ) {
    super(`${message} (${code})`);
  }
  /** The transaction may be tried again (it may have been applied already: see `maybeCommitted`). */
  get retryable(): boolean {
    return RETRYABLE_NOT_COMMITTED.has(this.code) || MAYBE_COMMITTED.has(this.code);
  }
  /** The transaction may have been applied. */
  get maybeCommitted(): boolean {
    return MAYBE_COMMITTED.has(this.code);
  }
}

/**
 * FoundationDB's retry loop: runs the body in a transaction until it commits. The body may run many times, and after 1021
 * it may run although an earlier try was applied, so it must be idempotent or look first.
 */
export async function transact<T>(
  database: Database,
  body: (transaction: Transaction) => Promise<T>,
  options?: TransactionOptions,
): Promise<T> {
  const transaction = database.transaction(options);
  for (;;) {
    try {
      const result = await body(transaction);
      await transaction.commit();
      return result;
    } catch (error) {
      await transaction.onError(error);
    }
  }
}

/** A request to a peer outside the cluster: a language model, an MCP tool server, an HTTP API. */
export interface ServiceRequest {
  /** Which peer: `model`, `tools`, `http`, or a name of the program's own. */
  readonly service: string;
  readonly operation: string;
  readonly body: Bytes;
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeoutMicros: Micros;
  /** Longest acceptable response body; `too-large` above. */
  readonly responseBytesMax: number;
}

export interface ServiceResponse {
  /** HTTP-like: 200, 429, 500 ... */
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Bytes;
}

export type ServiceErrorCode = 'timeout' | 'refused' | 'reset' | 'truncated' | 'too-large';

/** A request that got no whole response. Whether the peer acted on it is unknown, except for `refused`. */
export class ServiceError extends Error {
  override readonly name = 'ServiceError';
  constructor(
    readonly code: ServiceErrorCode,
    message: string,
  ) {
    super(message);
  }
}

export interface Services {
  call(request: ServiceRequest): Promise<ServiceResponse>;
}

/** A value that a story may carry: plain JSON. */
export type TraceValue = string | number | boolean | null | readonly TraceValue[] | { readonly [key: string]: TraceValue };

/** Something that happened, told by the program. Programs define their own unions of it (Kelpie's is `src/story.ts`). */
export interface StoryEvent {
  readonly type: string;
}

/** Telemetry. In production it feeds logs and metrics, in the simulator the trace that promises are checked on. */
export interface Tracer {
  /** Fields must be plain JSON values; the event must not be changed afterwards. */
  emit(event: StoryEvent): void;
  /** Adds to a counter. */
  count(name: string, amount?: number): void;
}

/**
 * Legal but rare ways to go, at sites that the program names. A simulation takes some of them, so that what production meets once in a
 * year is met in a run; everywhere else the answer is always no.
 */
export interface Choices {
  /** Whether to take the rare way at this site, this time. */
  choose(site: string): boolean;
}

/** Takes no rare way, ever: what production has. */
export const noChoices: Choices = { choose: () => false };

/** Life of the process as it sees it itself. */
export interface Lifecycle {
  /** Called once when the process is asked to stop (SIGTERM). The process ends when the promise settles, or is killed at the host's bound. */
  onStop(handler: () => Promise<void>): void;
}

/** Everything a program may touch. */
export interface Platform {
  readonly node: NodeId;
  readonly clock: Clock;
  readonly random: Random;
  readonly transport: Transport;
  readonly disk: Disk;
  readonly database: Database;
  readonly services: Services;
  readonly tracer: Tracer;
  readonly choices: Choices;
  readonly lifecycle: Lifecycle;
}

/** A node's program: resolves when the node is done (a server normally never resolves). */
export type Program = (platform: Platform) => Promise<void>;
