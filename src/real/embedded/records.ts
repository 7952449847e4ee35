/**
 * Keys and values as they lie in LMDB. LMDB takes keys of 1 to 4,026 bytes (8 KiB pages), FoundationDB's have 0 to 10,000: every
 * stored key gets one byte in front, and keys above `DIRECT_KEY_BYTES_MAX` that begin alike share one record, a sorted list, which
 * lies right behind the direct key of the same beginning, so that the order of the store is the order of the keys. Each record
 * carries a CRC-32 over key and content: LMDB itself would hand out a damaged page without a word.
 */
import { crc32 } from 'node:zlib';
import type { Database as Store, Transaction as Snapshot } from 'lmdb';
import { type Bytes, DatabaseError, databaseErrorCode, type KeyValue } from '../../ports.js';
import { compareKeys, copyOf, countBefore, type KeyRange, keyAfter } from './key-order.js';

/** Longest key with a record of its own. Longer ones cost a rewrite of all that share their first 4,000 bytes. */
const DIRECT_KEY_BYTES_MAX = 4_000;
/** In front of every stored key, because LMDB has no empty one. */
const FRONT = 1;
const CHECKSUM_BYTES = 4;

/** A store of the LMDB environment with plain bytes for keys and values. */
export type ByteStore = Store<Buffer, Buffer>;

/** The key comes second and is never empty: zlib forgets the running checksum over an empty buffer. */
const checksum = (storedKey: Bytes, content: Bytes): number => crc32(storedKey, crc32(content));

/** The content with its checksum in front. */
export function sealed(storedKey: Bytes, content: Bytes): Buffer {
  const record = Buffer.allocUnsafe(CHECKSUM_BYTES + content.length);
  record.set(content, CHECKSUM_BYTES);
  record.writeUInt32LE(checksum(storedKey, content), 0);
  return record;
}

/** The content of a record, a copy of its own. Throws `checksumFailed` when the record was damaged. */
export function unsealed(storedKey: Bytes, record: Buffer): Bytes {
  const content = copyOf(record.subarray(CHECKSUM_BYTES));
  if (record.length < CHECKSUM_BYTES || checksum(storedKey, content) !== record.readUInt32LE(0)) {
    throw new DatabaseError(
      databaseErrorCode.checksumFailed,
      `the record of key ${Buffer.from(storedKey)
        .subarray(FRONT, FRONT + 64)
        .toString('hex')} (hex, first 64 bytes) is damaged: its checksum does not fit; restore the store from a copy`,
    );
  }
  return content;
}

export class Records {
  readonly #store: ByteStore;
  /** Bytes by which keys and records have grown since the store last set it to 0; less than 0 when they shrank. */
  growth = 0;

  constructor(store: ByteStore) {
    this.#store = store;
  }

  /** Reads in the snapshot, or in the running write transaction when there is one. */
  get(key: Bytes, snapshot?: Snapshot): Bytes | undefined {
    const stored = storedKeyOf(key);
    const record = snapshot === undefined ? this.#store.get(stored) : this.#store.get(stored, { transaction: snapshot });
    if (record === undefined) return undefined;
    const content = unsealed(stored, record);
    if (key.length <= DIRECT_KEY_BYTES_MAX) return content;
    return decodeBucket(stored, content).find((item) => compareKeys(item.key, key) === 0)?.value;
  }

  /** Inside a write transaction only. */
  put(key: Bytes, value: Bytes): void {
    const stored = storedKeyOf(key);
    if (key.length <= DIRECT_KEY_BYTES_MAX) {
      this.#replace(stored, sealed(stored, value));
      return;
    }
    const items = this.#bucket(stored);
    const at = countBefore(items, (item) => compareKeys(item.key, key) < 0);
    const held = items[at];
    items.splice(at, held !== undefined && compareKeys(held.key, key) === 0 ? 1 : 0, { key, value });
    this.#replace(stored, sealed(stored, encodeBucket(items)));
  }

  /** Inside a write transaction only. */
  remove(key: Bytes): void {
    const stored = storedKeyOf(key);
    if (key.length <= DIRECT_KEY_BYTES_MAX) {
      this.#replace(stored, undefined);
      return;
    }
    const items = this.#bucket(stored);
    const rest = items.filter((item) => compareKeys(item.key, key) !== 0);
    if (rest.length === items.length) return;
    this.#replace(stored, rest.length === 0 ? undefined : sealed(stored, encodeBucket(rest)));
  }

  /** Inside a write transaction only. */
  removeRange({ begin, end }: KeyRange): void {
    // In parts, because a cursor does not survive writes and a whole key space may not fit into memory.
    for (let from = begin; ; ) {
      const part: Bytes[] = [];
      for (const { key } of this.scan({ begin: from, end }, false)) {
        part.push(key);
        if (part.length === 1_000) break;
      }
      for (const key of part) this.remove(key);
      const last = part.at(-1);
      if (last === undefined || part.length < 1_000) return;
      from = keyAfter(last);
    }
  }

  /** Items of the range in order, or backwards. The caller ends the iteration, so that the cursor is closed. */
  *scan({ begin, end }: KeyRange, reverse: boolean, snapshot?: Snapshot): Generator<KeyValue, void, undefined> {
    if (compareKeys(begin, end) >= 0) return;
    const [low, high] = [storedKeyOf(begin), storedEndOf(end)];
    const bounds = reverse ? { start: high, end: low, reverse, exclusiveStart: true, inclusiveEnd: true } : { start: low, end: high };
    const found = this.#store.getRange({ ...bounds, ...(snapshot === undefined ? {} : { transaction: snapshot }) });
    for (const { key: stored, value: record } of found) {
      const content = unsealed(stored, record);
      if (stored.length <= FRONT + DIRECT_KEY_BYTES_MAX) {
        yield { key: copyOf(stored.subarray(FRONT)), value: content };
        continue;
      }
      const inside = decodeBucket(stored, content).filter(({ key }) => compareKeys(key, begin) >= 0 && compareKeys(key, end) < 0);
      yield* reverse ? inside.reverse() : inside;
    }
  }

  #replace(stored: Buffer, record: Buffer | undefined): void {
    const former = this.#store.getBinaryFast(stored);
    if (former !== undefined) this.growth -= stored.length + former.length;
    if (record !== undefined) this.growth += stored.length + record.length;
    if (record !== undefined) this.#store.putSync(stored, record);
    else if (former !== undefined) this.#store.removeSync(stored);
  }

  #bucket(stored: Buffer): KeyValue[] {
    const record = this.#store.get(stored);
    return record === undefined ? [] : decodeBucket(stored, unsealed(stored, record));
  }
}

/** Where the key is found: its own record, or the shared one of all long keys with its beginning. */
function storedKeyOf(key: Bytes): Buffer {
  const direct = key.length <= DIRECT_KEY_BYTES_MAX;
  const stored = Buffer.allocUnsafe(FRONT + (direct ? key.length : DIRECT_KEY_BYTES_MAX + 1));
  stored[0] = FRONT;
  if (direct) {
    stored.set(key, FRONT);
  } else {
    stored.set(key.subarray(0, DIRECT_KEY_BYTES_MAX), FRONT);
    stored[stored.length - 1] = 0;
  }
  return stored;
}

/** The stored key at which a scan up to `end` stops; a shared record that may hold keys below `end` comes before it. */
function storedEndOf(end: Bytes): Buffer {
  const stored = storedKeyOf(end);
  return end.length <= DIRECT_KEY_BYTES_MAX ? stored : Buffer.concat([stored, Uint8Array.of(0)]);
}

function encodeBucket(items: readonly KeyValue[]): Bytes {
  const sizes = items.reduce((sum, { key, value }) => sum + 6 + key.length - DIRECT_KEY_BYTES_MAX + value.length, 0);
  const content = Buffer.allocUnsafe(sizes);
  let at = 0;
  for (const { key, value } of items) {
    at = content.writeUInt16LE(key.length - DIRECT_KEY_BYTES_MAX, at);
    at = content.writeUInt32LE(value.length, at);
    content.set(key.subarray(DIRECT_KEY_BYTES_MAX), at);
    content.set(value, at + key.length - DIRECT_KEY_BYTES_MAX);
    at += key.length - DIRECT_KEY_BYTES_MAX + value.length;
  }
  return content;
}

function decodeBucket(stored: Buffer, content: Bytes): KeyValue[] {
  const view = Buffer.from(content.buffer, content.byteOffset, content.length);
  const beginning = stored.subarray(FRONT, FRONT + DIRECT_KEY_BYTES_MAX);
  const items: KeyValue[] = [];
  for (let at = 0; at < view.length; ) {
    const rest = view.readUInt16LE(at);
    const size = view.readUInt32LE(at + 2);
    const key = new Uint8Array(DIRECT_KEY_BYTES_MAX + rest);
    key.set(beginning);
    key.set(view.subarray(at + 6, at + 6 + rest), DIRECT_KEY_BYTES_MAX);
    items.push({ key, value: copyOf(content.subarray(at + 6 + rest, at + 6 + rest + size)) });
    at += 6 + rest + size;
  }
  return items;
}
