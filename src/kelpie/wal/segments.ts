/**
 * The files of the write-ahead log, oldest first: appends batches to the newest segment, begins and removes segments, takes back a
 * batch that failed, and reads all of them at start. What the records mean is the log's affair.
 */
import { type Choices, type Disk, type DiskFile, readFully, type Tracer, writeFully } from '../../ports.js';
import { chooses } from '../choices.js';
import { makeDurableDirectory, removeIfThere } from '../durable-directory.js';
import { KelpieError } from '../errors.js';
import { encodeBatch, parseSegment, segmentIndex, segmentName, type WalRecord } from './segment.js';

export interface SegmentsOptions {
  readonly directory: string;
  /** A segment that has reached this size is closed and the next one begun. */
  readonly segmentBytes: number;
  readonly choices: Choices;
}

/** What the log may know of a segment. */
export interface SegmentView {
  readonly index: number;
  /** Ids of the entries it holds. */
  readonly entries: readonly number[];
  readonly bytes: number;
  /** Those of its first batch, which tells the counters and nothing else. */
  readonly beginBytes: number;
}

interface Segment extends SegmentView {
  bytes: number;
  readonly entries: number[];
}

/** One call of `append` at a time; a removal may come between. */
export class Segments {
  readonly #disk: Disk;
  readonly #tracer: Tracer;
  readonly #options: SegmentsOptions;
  readonly #makeDurable: (file: DiskFile) => Promise<void>;
  readonly #segments: Segment[] = [];
  #file: DiskFile | undefined;
  #nextBatch = 1;
  /**
   * What a batch that failed may have left on the disk: bytes behind those of the newest segment, or the file of a segment that was not
   * begun. Either must be gone before anything else is written, for a segment that another stands behind has to be whole to its end.
   */
  #leftover: 'nothing' | 'bytes' | 'file' = 'nothing';

  constructor(disk: Disk, tracer: Tracer, options: SegmentsOptions, makeDurable: (file: DiskFile) => Promise<void>) {
    this.#disk = disk;
    this.#tracer = tracer;
    this.#options = options;
    this.#makeDurable = makeDurable;
  }

  get count(): number {
    return this.#segments.length;
  }

  /** Bytes on the disk. */
  get bytes(): number {
    return this.#segments.reduce((sum, segment) => sum + segment.bytes, 0);
  }

  /** The one to which batches are appended. */
  get newest(): SegmentView | undefined {
    return this.#segments.at(-1);
  }

  /** The one that may be removed next; the newest, to which batches are appended, never is. */
  get oldest(): SegmentView | undefined {
    return this.#segments.length < 2 ? undefined : this.#segments[0];
  }

  /** Removes the oldest segment durably. Errors: those of the disk; then it is still the oldest. */
  async removeOldest({ index }: SegmentView): Promise<void> {
    await removeIfThere(this.#disk, this.#path(index));
    await this.#disk.syncDirectory(this.#options.directory);
    this.#segments.shift();
  }

  async close(): Promise<void> {
    await this.#file?.close();
    this.#file = undefined;
  }

  /**
   * Appends records as one batch and makes it durable, in a new segment where the newest is full or `anew` asks for one, also for no records
   * at all. `nextId` tells the counter of ids, with which every segment begins. Errors: `store-unavailable` (nothing of it is on the disk),
   * `commit-unknown` (it may come to light at the next start).
   */
  async append(records: readonly WalRecord[], nextId: () => number, anew: boolean): Promise<void> {
    try {
      await this.#takeBack();
    } catch (error) {
      throw new KelpieError(
        'store-unavailable',
        `the write-ahead log takes nothing new until what a failed write has left can be removed: ${String(error)}`,
        { cause: error },
      );
    }
    try {
      await this.#write(records, nextId, anew);
    } catch (error) {
      const code = await this.#takeBack().then(
        () => 'store-unavailable' as const,
        () => 'commit-unknown' as const,
      );
      throw new KelpieError(code, `the write-ahead log could not be written: ${String(error)}`, { cause: error });
    }
  }

  async #write(records: readonly WalRecord[], nextId: () => number, anew: boolean): Promise<void> {
    let segment = this.#segments.at(-1);
    const full = segment !== undefined && segment.bytes >= this.#options.segmentBytes;
    const early = segment !== undefined && segment.entries.length > 0 && chooses(this.#options, 'wal/new-segment');
    if (segment === undefined || full || early || anew) segment = await this.#beginSegment(nextId);
    if (records.length === 0) return;
    const file = (this.#file ??= await this.#disk.open(this.#path(segment.index), 'write'));
    const bytes = encodeBatch(this.#nextBatch, records);
    this.#leftover = 'bytes';
    await writeFully(file, segment.bytes, bytes);
    await this.#makeDurable(file);
    this.#leftover = 'nothing';
    this.#nextBatch++;
    segment.bytes += bytes.length;
    for (const record of records) if (record.record === 'entry') segment.entries.push(record.id);
    this.#tracer.count('wal.bytes', bytes.length);
    this.#tracer.count('wal.batches');
  }

  async #beginSegment(nextId: () => number): Promise<Segment> {
    await this.#file?.close();
    this.#file = undefined;
    const index = (this.#segments.at(-1)?.index ?? 0) + 1;
    this.#leftover = 'file';
    const file = await this.#disk.open(this.#path(index), 'write');
    this.#file = file;
    await file.truncate(0);
    const bytes = encodeBatch(this.#nextBatch, [{ record: 'segment', nextId: nextId() }]);
    await writeFully(file, 0, bytes);
    await this.#makeDurable(file);
    await this.#disk.syncDirectory(this.#options.directory);
    this.#leftover = 'nothing';
    const segment: Segment = { index, bytes: bytes.length, beginBytes: bytes.length, entries: [] };
    this.#nextBatch++;
    this.#segments.push(segment);
    return segment;
  }

  /**
   * Removes what a batch that failed has left. After a failed fsync the system may believe that dirty pages are clean, so trying the fsync
   * again proves nothing; but what was durable before is, so the file is cut back to that and the cut is synced.
   * When that succeeds the batch is gone for good, else it may come to light after a crash. Errors: those of the disk; it is tried again
   * before the next batch, which would otherwise overwrite a part of it and leave the rest behind its own end.
   */
  async #takeBack(): Promise<void> {
    if (this.#leftover === 'nothing') return;
    const { directory } = this.#options;
    const segment = this.#segments.at(-1);
    await this.#file?.close().catch(() => {});
    this.#file = undefined;
    if (segment === undefined || this.#leftover === 'file') {
      await removeIfThere(this.#disk, this.#path((segment?.index ?? 0) + 1));
      await this.#disk.syncDirectory(directory);
    } else {
      const file = await this.#disk.open(this.#path(segment.index), 'write');
      try {
        await file.truncate(segment.bytes);
        await file.sync();
      } finally {
        await file.close();
      }
    }
    this.#leftover = 'nothing';
  }

  /**
   * Reads all records in the order in which they were written, cuts a torn end, and makes durable what is left; returns how many bytes
   * were cut.
   * Errors: `corrupted`, with nothing changed; those of the disk.
   */
  async recover(take: (record: WalRecord) => void): Promise<number> {
    const { directory } = this.#options;
    await makeDurableDirectory(this.#disk, directory);
    const indices = (await this.#disk.list(directory))
      .map(segmentIndex)
      .filter((index) => index !== undefined)
      .sort((a, b) => a - b);
    let previous: number | undefined;
    let cutBytes = 0;
    let empty: number | undefined;
    for (const [at, index] of indices.entries()) {
      const path = this.#path(index);
      const isLast = at === indices.length - 1;
      const before = indices[at - 1];
      if (before !== undefined && index !== before + 1) {
        throw new KelpieError(
          'corrupted',
          `write-ahead log segment ${segmentName(before + 1)} is missing in '${directory}'; nothing was changed`,
        );
      }
      const file = await this.#disk.open(path, 'write');
      try {
        const size = await file.size();
        const bytes = await readFully(file, 0, size);
        const { batches, wholeBytes } = parseSegment(path, bytes, previous, isLast);
        if (wholeBytes < size) {
          cutBytes = size - wholeBytes;
          await file.truncate(wholeBytes);
        }
        if (isLast) {
          // Its writer may have died before a sync, or after one that failed and left the pages clean in the cache and nowhere else: what
          // later batches are to stand on is written again. All before it were durable before it was begun.
          const begin = batches.at(-2)?.end ?? 0;
          await writeFully(file, begin, bytes.subarray(begin, wholeBytes));
          await file.sync();
        }
        const segment: Segment = { index, bytes: wholeBytes, beginBytes: batches[0]?.end ?? 0, entries: [] };
        for (const batch of batches) {
          previous = batch.number;
          for (const record of batch.records) {
            if (record.record === 'entry') segment.entries.push(record.id);
            take(record);
          }
        }
        if (batches.length > 0) this.#segments.push(segment);
        else if (isLast) empty = index;
      } finally {
        await file.close();
      }
    }
    // A segment whose very first batch was torn holds nothing, not even the counters: it is begun anew. Its file must not stay until then,
    // for the one before it, to which batches may be appended, would be taken for one that was complete.
    if (empty !== undefined) await this.#disk.remove(this.#path(empty));
    // The name of the newest may not be durable either.
    if (indices.length > 0) await this.#disk.syncDirectory(directory);
    this.#nextBatch = (previous ?? 0) + 1;
    return cutBytes;
  }

  #path(index: number): string {
    return `${this.#options.directory}/${segmentName(index)}`;
  }
}
