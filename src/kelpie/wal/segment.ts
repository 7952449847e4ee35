/**
 * The bytes of a log segment: batches, one after the other. A batch is what one fsync made durable, so at most the last batch
 * of the last segment can be torn by a crash; anything else that does not check is damage and is refused, not skipped.
 *
 *     0       4        8       16             20         24
 *     | magic | length | batch | first of all | checksum | records as JSON ...
 *
 * Integers are big-endian. `batch` counts over all segments without a gap, so stale bytes of an earlier use are never taken for
 * the next batch.
 */
import { crc32c } from '../../frame.js';
import { KelpieError } from '../errors.js';

const MAGIC = 0x4b57_4c31; // "KWL1"
const BATCH_HEADER_BYTES = 24;
const BATCH_MAX = Number.MAX_SAFE_INTEGER;

export type WalStatus = 'pending' | 'complete' | 'failed';

/** First record of every segment: where the counters stand, so that they survive the removal of all older segments. */
export interface SegmentRecord {
  readonly record: 'segment';
  readonly nextId: number;
}

/** An operation that was accepted. */
export interface EntryRecord {
  readonly record: 'entry';
  readonly id: number;
  /** Idempotency key. */
  readonly key: string;
  readonly operation: string;
  /** JSON text. */
  readonly payload: string;
  /** Wall clock when it was accepted. */
  readonly atMicros: number;
}

export const entryRecord = ({ id, key, operation, payload, atMicros }: Omit<EntryRecord, 'record'>): EntryRecord => ({
  record: 'entry',
  id,
  key,
  operation,
  payload,
  atMicros,
});

/** How an operation ended. */
export interface StatusRecord {
  readonly record: 'status';
  readonly id: number;
  readonly status: Exclude<WalStatus, 'pending'>;
  /** JSON text: the answer, or the error. */
  readonly result: string;
  readonly atMicros: number;
}

export type WalRecord = SegmentRecord | EntryRecord | StatusRecord;

export interface Batch {
  readonly number: number;
  readonly records: readonly WalRecord[];
  /** Offset of the byte after it. */
  readonly end: number;
}

export interface ParsedSegment {
  readonly batches: readonly Batch[];
  /** Bytes that hold whole batches; what follows is torn. */
  readonly wholeBytes: number;
}

export function encodeBatch(number: number, records: readonly WalRecord[]): Uint8Array {
  const body = new TextEncoder().encode(JSON.stringify(records));
  const bytes = new Uint8Array(BATCH_HEADER_BYTES + body.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC);
  view.setUint32(4, body.length);
  view.setBigUint64(8, BigInt(number));
  bytes.set(body, BATCH_HEADER_BYTES);
  view.setUint32(20, checksum(bytes, 0, bytes.length));
  return bytes;
}

/** Covers all but the checksum's own place. */
const checksum = (bytes: Uint8Array, begin: number, end: number): number =>
  crc32c(bytes, begin + BATCH_HEADER_BYTES, end, crc32c(bytes, begin, begin + 20));

/**
 * Reads the batches of a segment. `previous` is the number of the last batch before it, undefined when it is the first.
 * Bytes after the last whole batch are torn when this is the last segment and no later batch stands among them;
 * else the segment is damaged, as one is that holds nothing and is not the last. Errors: `corrupted`, naming the file and the offset.
 */
export function parseSegment(path: string, bytes: Uint8Array, previous: number | undefined, isLast: boolean): ParsedSegment {
  const batches: Batch[] = [];
  let at = 0;
  let last = previous;
  while (at < bytes.length) {
    const batch = batchAt(bytes, at);
    if (batch === undefined || (last !== undefined && batch.number !== last + 1)) break;
    batches.push(batch);
    last = batch.number;
    at = batch.end;
  }
  // Only the newest can have been torn as it was begun: the next one is begun when this one is durable, and each has a batch from the first on.
  if (!isLast && (at < bytes.length || batches.length === 0)) {
    throw damaged(path, at, 'the segment was complete before the next one began');
  }
  const later = laterBatch(bytes, at, last);
  if (later !== undefined) throw damaged(path, at, `batch ${later.number}, which was written later, is whole`);
  return { batches, wholeBytes: at };
}

function damaged(path: string, offset: number, why: string): KelpieError {
  return new KelpieError(
    'corrupted',
    `write-ahead log ${path} is damaged at byte ${offset}: not a torn end, for ${why}. Nothing was changed; restore the file, or move it away to go on without what it held`,
  );
}

function batchAt(bytes: Uint8Array, at: number): Batch | undefined {
  if (at + BATCH_HEADER_BYTES > bytes.length) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, BATCH_HEADER_BYTES);
  if (view.getUint32(0) !== MAGIC) return undefined;
  const end = at + BATCH_HEADER_BYTES + view.getUint32(4);
  const number = view.getBigUint64(8);
  if (end > bytes.length || number > BigInt(BATCH_MAX) || checksum(bytes, at, end) !== view.getUint32(20)) return undefined;
  const records = JSON.parse(new TextDecoder().decode(bytes.subarray(at + BATCH_HEADER_BYTES, end))) as readonly WalRecord[];
  return { number: Number(number), records, end };
}

/** A later batch of this log behind a bad place proves damage: it was written only after all before it was durable. */
function laterBatch(bytes: Uint8Array, from: number, last: number | undefined): Batch | undefined {
  for (let at = from; at + BATCH_HEADER_BYTES <= bytes.length; at++) {
    if (bytes[at] !== MAGIC >>> 24) continue;
    const batch = batchAt(bytes, at);
    if (batch !== undefined && (last === undefined || batch.number > last)) return batch;
  }
  return undefined;
}

const NAME = /^(\d{12})\.wal$/;

export const segmentName = (index: number): string => `${String(index).padStart(12, '0')}.wal`;

/** The index in a segment's file name, undefined for other files. */
export function segmentIndex(name: string): number | undefined {
  const match = NAME.exec(name);
  return match?.[1] === undefined ? undefined : Number(match[1]);
}
