/**
 * What the newest commits wrote, so that a later commit can tell whether anything it read has changed since. The log itself lies in
 * LMDB, where every process on the machine sees it; the window is this process's decoded copy of its end.
 */
import { type Bytes, DatabaseError, databaseErrorCode } from '../../ports.js';
import { compareKeys, copyOf, holds, type KeyRange, keyAfter, meets, mergeRanges } from './key-order.js';

/** One write: a range, or a single key when `end` is missing. */
export interface WrittenKeys {
  readonly begin: Bytes;
  readonly end?: Bytes;
}

export interface LogEntry {
  readonly version: number;
  /** When it was committed by the machine's wall clock; decides how long it is kept, nothing else. */
  readonly wallMicros: number;
  readonly writes: readonly WrittenKeys[];
}

/** Above this many, neighbouring writes are told as one range: a false conflict costs a retry, an endless log costs the disk. */
const WRITES_MAX = 1_024;

/** The writes of one commit, at most `WRITES_MAX` of them; each of the given keys is in one. */
export function coarsened(writes: readonly WrittenKeys[]): readonly WrittenKeys[] {
  if (writes.length <= WRITES_MAX) return writes;
  const ranges = mergeRanges(writes.map(({ begin, end }) => ({ begin, end: end ?? keyAfter(begin) })));
  if (ranges.length <= WRITES_MAX) return ranges;
  const each = Math.ceil(ranges.length / WRITES_MAX);
  const coarse: KeyRange[] = [];
  for (let i = 0; i < ranges.length; i += each) {
    const [first, last] = [ranges[i], ranges[Math.min(i + each, ranges.length) - 1]];
    if (first !== undefined && last !== undefined) coarse.push({ begin: first.begin, end: last.end });
  }
  return coarse;
}

/** Wall time, count, then each write: length of begin, length of end plus one (0: none), the bytes. */
export function encodeEntry({ wallMicros, writes }: LogEntry): Bytes {
  const size = writes.reduce((sum, { begin, end }) => sum + 4 + begin.length + (end?.length ?? 0), 12);
  const content = Buffer.allocUnsafe(size);
  content.writeBigUInt64LE(BigInt(wallMicros), 0);
  let at = content.writeUInt32LE(writes.length, 8);
  for (const { begin, end } of writes) {
    at = content.writeUInt16LE(begin.length, at);
    at = content.writeUInt16LE(end === undefined ? 0 : end.length + 1, at);
    content.set(begin, at);
    at += begin.length;
    if (end === undefined) continue;
    content.set(end, at);
    at += end.length;
  }
  return content;
}

/** When the entry was committed, without decoding its writes. */
export function wallMicrosOf(content: Bytes): number {
  return Number(Buffer.from(content.buffer, content.byteOffset, content.length).readBigUInt64LE(0));
}

export function decodeEntry(version: number, content: Bytes): LogEntry {
  const view = Buffer.from(content.buffer, content.byteOffset, content.length);
  const writes: WrittenKeys[] = [];
  let at = 12;
  for (let left = view.readUInt32LE(8); left > 0; left--) {
    const [beginLength, endMark] = [view.readUInt16LE(at), view.readUInt16LE(at + 2)];
    const begin = copyOf(content.subarray(at + 4, at + 4 + beginLength));
    at += 4 + beginLength;
    if (endMark === 0) {
      writes.push({ begin });
      continue;
    }
    writes.push({ begin, end: copyOf(content.subarray(at, at + endMark - 1)) });
    at += endMark - 1;
  }
  if (at !== content.length) {
    throw new DatabaseError(
      databaseErrorCode.fileCorrupt,
      `commit log entry ${version} has ${content.length} bytes, its fields end at ${at}`,
    );
  }
  return { version, wallMicros: wallMicrosOf(content), writes };
}

/** The decoded entries of versions in `(floor, newest]`, without a gap. */
export class ConflictWindow {
  #entries: LogEntry[] = [];
  #newest: number;

  constructor(newest: number) {
    this.#newest = newest;
  }

  get newest(): number {
    return this.#newest;
  }

  add(entry: LogEntry): void {
    this.#entries.push(entry);
    this.#newest = entry.version;
  }

  /** Forgets everything up to this version. */
  dropThrough(version: number): void {
    const first = this.#entries.findIndex((entry) => entry.version > version);
    this.#entries = first === -1 ? [] : this.#entries.slice(first);
  }

  /** Whether a commit after `readVersion` wrote any of the read keys, given as disjoint ranges in order. */
  conflicts(readVersion: number, reads: readonly KeyRange[]): boolean {
    for (let i = this.#entries.length - 1; i >= 0; i--) {
      const entry = this.#entries[i];
      if (entry === undefined || entry.version <= readVersion) return false;
      for (const { begin, end } of entry.writes) {
        if (end === undefined ? holds(reads, begin) : compareKeys(begin, end) < 0 && meets(reads, begin, end)) return true;
      }
    }
    return false;
  }
}
