/**
 * Write-ahead log on the Disk port. An operation is durable before it is acknowledged, applied at least once and in order after
 * a crash, and at most once per idempotency key as long as its record is kept. Records that wait for the disk together are
 * written and synced together (group commit), one batch at a time.
 */
import { type Choices, type Clock, type Disk, type DiskFile, type Micros, noChoices, type Tracer } from '../../ports.js';
import type { WalEvent } from '../../story.js';
import { chooses } from '../choices.js';
import { KelpieError } from '../errors.js';
import { MESSAGE_BYTES_MAX, REQUEST_ID_BYTES_MAX, WAL_KEPT_MICROS } from '../limits.js';
import { entryRecord, type WalRecord, type WalStatus } from './segment.js';
import { Segments, type SegmentView } from './segments.js';

/** An operation as the log knows it. */
export interface WalEntry {
  readonly id: number;
  readonly key: string;
  readonly operation: string;
  readonly payload: string;
  readonly atMicros: Micros;
  readonly status: WalStatus;
  /** JSON text of the answer (`complete`) or the error (`failed`); undefined while pending. */
  readonly result: string | undefined;
}

export interface WalOptions {
  readonly directory: string;
  /** A segment that has reached this size is closed and the next one begun. */
  readonly segmentBytes: number;
  /** `overloaded` when the log would exceed this. */
  readonly bytesMax: number;
  /** How long an ended operation keeps its answer, by the wall clock. */
  readonly keptMicros: Micros;
  readonly choices: Choices;
}

const WAL_DEFAULTS: WalOptions = {
  directory: 'wal',
  segmentBytes: 4_000_000,
  bytesMax: 256_000_000,
  keptMicros: WAL_KEPT_MICROS,
  choices: noChoices,
};

/** Carries out an operation; must be idempotent, for a crash may come between effect and record. Returns JSON text. */
export type Apply = (entry: WalEntry) => Promise<string>;

/** The steps of the log that decide something, each a part of its own. */
export interface WalParts {
  /** Makes a batch durable. */
  makeDurable(file: DiskFile): Promise<void>;
  /** The id counter after recovery, from what the segments say. */
  firstId(recovered: number): number;
  /** Finds the entry of a key or adds it, with nothing able to come between. */
  findOrAppend(log: WalAppender, request: WalRequest): Promise<{ readonly entry: WalEntry; readonly existing: boolean }>;
  /** Applies an operation and records how it ended. */
  perform(log: WalAppender, entry: WalEntry, apply: Apply): Promise<WalEntry>;
  /** Performs what was pending when the process ended, in order. */
  replay(log: WalAppender, pending: readonly WalEntry[], perform: (entry: WalEntry) => Promise<unknown>): Promise<void>;
}

export interface WalRequest {
  readonly key: string;
  readonly operation: string;
  readonly payload: string;
}

/** What parts may do to the log. */
export interface WalAppender {
  find(key: string): WalEntry | undefined;
  /** Adds it, in memory at once and on the disk with the next batch; settles when that is durable. */
  append(request: WalRequest): Promise<WalEntry>;
  /** Settles when an entry found by `find` is durable. */
  durable(entry: WalEntry): Promise<void>;
  end(entry: WalEntry, status: Exclude<WalStatus, 'pending'>, result: string): Promise<WalEntry>;
}

export const correctWalParts: WalParts = {
  makeDurable: (file) => file.sync(),
  firstId: (recovered) => recovered,
  async findOrAppend(log, request) {
    // No await stands between looking and appending: `append` adds to the index before it returns.
    const existing = log.find(request.key);
    if (existing === undefined) return { entry: await log.append(request), existing: false };
    await log.durable(existing);
    return { entry: log.find(request.key) ?? existing, existing: true };
  },
  async perform(log, entry, apply) {
    let result: string;
    try {
      result = await apply(entry);
    } catch (error) {
      // An operation that may succeed later stays pending and is tried again.
      if (error instanceof KelpieError && error.retriable) throw error;
      const failure = error instanceof KelpieError ? error : new KelpieError('actor-error', String(error), { cause: error });
      return log.end(entry, 'failed', JSON.stringify(failure.toData()));
    }
    return log.end(entry, 'complete', result);
  },
  async replay(_, pending, perform) {
    for (const entry of pending) await perform(entry);
  },
};

interface Waiter {
  /** Undefined: a new segment. */
  readonly record: WalRecord | undefined;
  resolve(): void;
  reject(error: unknown): void;
}

export class Wal {
  readonly #clock: Clock;
  readonly #tracer: Tracer;
  readonly #options: WalOptions;
  readonly #parts: WalParts;
  readonly #entries = new Map<number, WalEntry>();
  readonly #byKey = new Map<string, number>();
  readonly #durable = new Map<number, Promise<void>>();
  readonly #running = new Map<number, Promise<WalEntry>>();
  /** Entries whose mark is on its way to the disk. */
  readonly #ending = new Set<number>();
  readonly #appender: WalAppender;
  readonly #segments: Segments;
  #nextId = 1;
  #waiting: Waiter[] = [];
  /** Payloads that are not in a segment yet, those of the batch under way among them. */
  #waitingBytes = 0;
  /** The last append was refused for want of room. */
  #isFull = false;
  #flushing: Promise<void> | undefined;
  #cleaning: Promise<void> | undefined;
  #closed = false;

  private constructor(disk: Disk, clock: Clock, tracer: Tracer, options: WalOptions, parts: WalParts) {
    this.#clock = clock;
    this.#tracer = tracer;
    this.#options = options;
    this.#parts = parts;
    this.#segments = new Segments(disk, tracer, options, (file) => parts.makeDurable(file));
    this.#appender = {
      find: (key) => this.find(key),
      append: (request) => this.#append(request),
      durable: (entry) => this.#durable.get(entry.id) ?? Promise.resolve(),
      end: (entry, status, result) => this.#end(entry, status, result),
    };
  }

  /**
   * Opens the log and recovers what it holds: cuts a torn end, refuses damage. Call `replay` before new work.
   * Errors: `corrupted`; failures of the disk as `store-unavailable`.
   */
  static async open(
    disk: Disk,
    clock: Clock,
    tracer: Tracer,
    options: Partial<WalOptions> = {},
    parts: WalParts = correctWalParts,
  ): Promise<Wal> {
    const wal = new Wal(disk, clock, tracer, { ...WAL_DEFAULTS, ...options }, parts);
    try {
      await wal.#recover();
    } catch (error) {
      if (error instanceof KelpieError) throw error;
      throw new KelpieError('store-unavailable', `the write-ahead log cannot be opened: ${String(error)}`, { cause: error });
    }
    return wal;
  }

  /** Bytes on the disk. */
  get bytes(): number {
    return this.#segments.bytes;
  }

  /** Accepted and not ended, in the order they were accepted. */
  pending(): WalEntry[] {
    return [...this.#entries.values()].filter((entry) => entry.status === 'pending').sort((a, b) => a.id - b.id);
  }

  find(key: string): WalEntry | undefined {
    const id = this.#byKey.get(key);
    return id === undefined ? undefined : this.#entries.get(id);
  }

  /**
   * Performs an operation once for its key: accepted durably, applied, recorded. A key that is known gets the answer of its
   * first use, or joins it while it is under way.
   * Errors: `invalid-argument` (the key was used for something else), `too-large`, `overloaded`, `commit-unknown` (the disk
   * failed and whether the operation was accepted is unknown), `store-unavailable` (it was not), what `apply` throws when that is retriable.
   */
  async execute(request: WalRequest, apply: Apply): Promise<WalEntry> {
    this.#check(request);
    const { entry, existing } = await this.#parts.findOrAppend(this.#appender, request);
    if (existing) {
      if (entry.operation !== request.operation || entry.payload !== request.payload) {
        throw new KelpieError('invalid-argument', `idempotency key '${request.key}' was used for another request`);
      }
      if (entry.status !== 'pending') return entry;
    }
    return this.#perform(entry, apply);
  }

  /** Performs everything that was pending at the last end of the process. */
  async replay(apply: Apply): Promise<void> {
    const pending = this.pending();
    await this.#parts.replay(this.#appender, pending, async (entry) => {
      // New work may have ended it while those before it were replayed: what a mark has ended is not done again.
      if (this.#entries.get(entry.id)?.status !== 'pending') return;
      this.#tell({ type: 'wal.replay', id: entry.id, key: entry.key });
      await this.#perform(entry, apply);
    });
  }

  /**
   * Drops ended operations older than `keptMicros`, in whole segments from the oldest on. An operation that is still pending
   * moves to the newest segment, so that it cannot keep all before it alive. The newest segment stays, unless it is the only one and leaves
   * no room for what is to be appended: then another is begun and it goes too. One clean-up at a time: who comes meanwhile joins it.
   * Errors: those of the disk and of writing; what is left goes with the next clean-up. `shutting-down`.
   */
  cleanup(): Promise<void> {
    // Two that have both read which segment is the oldest would each take one away, and the second one was not looked at.
    this.#cleaning ??= this.#cleanup().finally(() => {
      this.#cleaning = undefined;
    });
    return this.#cleaning;
  }

  async #cleanup(): Promise<void> {
    const horizon = this.#clock.wallMicros() - this.#options.keptMicros;
    for (;;) {
      this.#refuseWhenClosed();
      const oldest = this.#segments.oldest ?? this.#onlyInTheWay();
      if (oldest === undefined) return;
      const held = oldest.entries.map((id) => this.#entries.get(id)).filter((entry) => entry !== undefined);
      if (held.some((entry) => entry.status !== 'pending' && entry.atMicros > horizon)) return;
      // A copy that stands behind its mark would be taken for one that nobody has ended. The next round finds it ended.
      if (held.some(({ id }) => this.#ending.has(id))) return;
      if (oldest === this.#segments.newest) {
        // Nothing is won by writing anew what is all pending.
        if (held.length > 0 && held.every(({ status }) => status === 'pending')) return;
        await this.#write(undefined);
        this.#isFull = false;
        // What waited before that may stand in it as well.
        continue;
      }
      const carried = held.filter((entry) => entry.status === 'pending' && oldest.entries.includes(entry.id));
      await Promise.all(carried.map((entry) => this.#write(entryRecord(entry))));
      // The flush may have closed segments and begun others, but never removes one.
      await this.#segments.removeOldest(oldest);
      const keys: string[] = [];
      for (const entry of held) {
        if (entry.status === 'pending') continue;
        keys.push(entry.key);
        this.#entries.delete(entry.id);
        this.#durable.delete(entry.id);
        if (this.#byKey.get(entry.key) === entry.id) this.#byKey.delete(entry.key);
      }
      this.#tell({ type: 'wal.cleanup', segment: oldest.index, dropped: held.length - carried.length, carried: carried.length, keys });
    }
  }

  /**
   * The only segment, when it leaves no room for what was to be appended last. What is refused does not fill it, so no other would ever be
   * begun, and none that is the newest is removed.
   */
  #onlyInTheWay(): SegmentView | undefined {
    const { newest } = this.#segments;
    return this.#isFull && newest !== undefined && newest.bytes > newest.beginBytes ? newest : undefined;
  }

  /** Waits for what is being written or removed and closes the file. Later calls fail with `shutting-down`. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#flushing;
    // Its caller learns of an error; whoever opens the directory next must not find it changing.
    await this.#cleaning?.catch(() => {});
    await this.#segments.close();
  }

  #refuseWhenClosed(): void {
    if (this.#closed) throw new KelpieError('shutting-down', 'the write-ahead log is closed');
  }

  #check({ key, operation, payload }: WalRequest): void {
    this.#refuseWhenClosed();
    if (key.length === 0) throw new KelpieError('invalid-argument', 'an idempotency key must have at least one character');
    const keyBytes = new TextEncoder().encode(key).length;
    if (keyBytes > REQUEST_ID_BYTES_MAX) {
      throw new KelpieError('too-large', `an idempotency key must have at most ${REQUEST_ID_BYTES_MAX} bytes, has ${keyBytes}`);
    }
    if (operation.length === 0) throw new KelpieError('invalid-argument', 'an operation must have a name');
    if (payload.length > MESSAGE_BYTES_MAX) {
      throw new KelpieError(
        'too-large',
        `the payload of an operation must have at most ${MESSAGE_BYTES_MAX} characters, has ${payload.length}`,
      );
    }
  }

  /** One performance of an entry at a time; who comes meanwhile joins it. */
  #perform(entry: WalEntry, apply: Apply): Promise<WalEntry> {
    const running = this.#running.get(entry.id);
    if (running !== undefined) return running;
    const performed = this.#parts.perform(this.#appender, entry, apply).finally(() => this.#running.delete(entry.id));
    this.#running.set(entry.id, performed);
    return performed;
  }

  #append(request: WalRequest): Promise<WalEntry> {
    this.#isFull = this.bytes + this.#waitingBytes + request.payload.length > this.#options.bytesMax;
    if (this.#isFull) {
      throw new KelpieError(
        'overloaded',
        `the write-ahead log holds its ${this.#options.bytesMax} bytes; clean up, or complete what is pending`,
      );
    }
    const entry: WalEntry = { ...request, id: this.#nextId++, atMicros: this.#clock.wallMicros(), status: 'pending', result: undefined };
    this.#entries.set(entry.id, entry);
    this.#byKey.set(entry.key, entry.id);
    const durable = this.#write(entryRecord(entry)).catch((error: unknown) => {
      this.#entries.delete(entry.id);
      this.#durable.delete(entry.id);
      if (this.#byKey.get(entry.key) === entry.id) this.#byKey.delete(entry.key);
      throw error;
    });
    this.#durable.set(entry.id, durable);
    return durable.then(() => {
      this.#tell({ type: 'wal.append', id: entry.id, key: entry.key, operation: entry.operation });
      return entry;
    });
  }

  async #end(entry: WalEntry, status: Exclude<WalStatus, 'pending'>, result: string): Promise<WalEntry> {
    const ended: WalEntry = { ...entry, status, result };
    this.#ending.add(entry.id);
    try {
      await this.#write({ record: 'status', id: entry.id, status, result, atMicros: this.#clock.wallMicros() });
      this.#entries.set(entry.id, ended);
    } finally {
      this.#ending.delete(entry.id);
    }
    this.#tell({ type: 'wal.end', id: entry.id, key: entry.key, status });
    return ended;
  }

  /** Settles when the record is durable, or when a new segment is, where there is no record. */
  #write(record: WalRecord | undefined): Promise<void> {
    if (this.#closed) return Promise.reject(new KelpieError('shutting-down', 'the write-ahead log is closed'));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ record, resolve, reject });
      if (record?.record === 'entry') this.#waitingBytes += record.payload.length;
      this.#flushing ??= this.#flush().finally(() => {
        this.#flushing = undefined;
      });
    });
  }

  /** Writes what waits, batch by batch, until nothing does. Never rejects: each waiter learns how its batch went. */
  async #flush(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, chooses(this.#options, 'wal/one-by-one') ? 1 : this.#waiting.length);
      const failed = await this.#segments
        .append(
          batch.flatMap(({ record }) => record ?? []),
          () => this.#nextId,
          batch.some(({ record }) => record === undefined),
        )
        .then(
          () => undefined,
          (error: unknown) => ({ error }),
        );
      for (const { record, resolve, reject } of batch) {
        if (record?.record === 'entry') this.#waitingBytes -= record.payload.length;
        if (failed === undefined) resolve();
        else reject(failed.error);
      }
    }
  }

  async #recover(): Promise<void> {
    const cutBytes = await this.#segments.recover((record) => this.#take(record));
    this.#nextId = this.#parts.firstId(this.#nextId);
    const pending = this.pending().length;
    this.#tell({
      type: 'wal.recover',
      segments: this.#segments.count,
      entries: this.#entries.size,
      pending,
      cutBytes,
      nextId: this.#nextId,
    });
  }

  #take(record: WalRecord): void {
    switch (record.record) {
      case 'segment':
        this.#nextId = Math.max(this.#nextId, record.nextId);
        return;
      case 'entry': {
        this.#nextId = Math.max(this.#nextId, record.id + 1);
        // A pending entry that was carried to a newer segment is read twice.
        if (this.#entries.has(record.id)) return;
        const { id, key, operation, payload, atMicros } = record;
        this.#entries.set(id, { id, key, operation, payload, atMicros, status: 'pending', result: undefined });
        this.#byKey.set(key, id);
        return;
      }
      case 'status': {
        const entry = this.#entries.get(record.id);
        if (entry !== undefined) this.#entries.set(record.id, { ...entry, status: record.status, result: record.result });
        return;
      }
    }
  }

  #tell(event: WalEvent): void {
    this.#tracer.emit(event);
  }
}
