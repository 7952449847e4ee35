/**
 * How a value is stored: one header in front, with a checksum over the whole value, so that damage is noticed and told apart from
 * absence. A value too long for one key of the database is cut into chunks beside it.
 *
 *     0         1      2          6
 *     | version | kind | checksum | the value                     kind 0
 *     | version | kind | checksum | length (4) | chunks (2)       kind 1, the value is in the chunks
 */
import type { Bytes, Transaction } from '../ports.js';
import { crc32c } from '../frame.js';
import { KelpieError } from './errors.js';
import { fromUtf8, utf8 } from './json.js';
import { CHUNK_BYTES } from './limits.js';
import { join } from './keys.js';

const VERSION = 1;
const INLINE = 0;
const CHUNKED = 1;
const HEADER_BYTES = 6;
/** What is stored under the key of a value that is in chunks. */
const CHUNKED_BYTES = HEADER_BYTES + 6;

/** Reads one key. Handed in, because what a failed read means is a decision of the assembly. */
export type ReadValue = (transaction: Transaction, key: Bytes) => Promise<Bytes | undefined>;

/** A value ready to be stored. */
export interface Sealed {
  /** What goes under the key itself. */
  readonly stored: Bytes;
  readonly chunks: readonly Bytes[];
  /** CRC-32C of the value; names it in the story. */
  readonly checksum: number;
  /** What it adds to the size of a transaction, keys not counted. */
  readonly bytes: number;
}

export function seal(value: Bytes): Sealed {
  const checksum = crc32c(value);
  const inline = value.length + HEADER_BYTES <= CHUNK_BYTES;
  const stored = new Uint8Array(inline ? HEADER_BYTES + value.length : CHUNKED_BYTES);
  stored[0] = VERSION;
  stored[1] = inline ? INLINE : CHUNKED;
  const view = new DataView(stored.buffer);
  view.setUint32(2, checksum);
  if (inline) {
    stored.set(value, HEADER_BYTES);
    return { stored, chunks: [], checksum, bytes: stored.length };
  }
  const chunks: Bytes[] = [];
  for (let at = 0; at < value.length; at += CHUNK_BYTES) chunks.push(value.subarray(at, at + CHUNK_BYTES));
  view.setUint32(HEADER_BYTES, value.length);
  view.setUint16(HEADER_BYTES + 4, chunks.length);
  return { stored, chunks, checksum, bytes: stored.length + value.length };
}

const corrupted = (name: string, why: string, cause?: unknown): KelpieError =>
  new KelpieError('corrupted', `${name}: ${why}; it was left as it is`, { cause });

/** The value itself, unless it is so long that it was cut into chunks. */
export const inlineValue = ({ stored, chunks }: Sealed): Bytes | undefined =>
  chunks.length === 0 ? stored.subarray(HEADER_BYTES) : undefined;

/** Where one chunk is. */
export const chunkKey = (chunks: Bytes, index: number): Bytes => join(chunks, Uint8Array.of(index >> 8, index & 255));

/** Whether chunks belong to what is stored. Errors: `corrupted`. */
function headerOf(stored: Bytes, name: string): { readonly kind: number; readonly checksum: number; readonly view: DataView } {
  const view = new DataView(stored.buffer, stored.byteOffset, stored.byteLength);
  if (stored.length < HEADER_BYTES) throw corrupted(name, `has ${stored.length} bytes, fewer than its header`);
  if (stored[0] !== VERSION) throw corrupted(name, `has version ${stored[0]}, this program knows ${VERSION}`);
  const kind = stored[1] ?? -1;
  if (kind !== INLINE && kind !== CHUNKED) throw corrupted(name, `has kind ${kind}, this program knows 0 and 1`);
  return { kind, checksum: view.getUint32(2), view };
}

/**
 * The value behind what a key holds. `name` tells the key in errors.
 * Errors: `corrupted`; whatever reading chunks throws.
 */
export async function unseal(stored: Bytes, name: string, readChunk: (index: number) => Promise<Bytes | undefined>): Promise<Bytes> {
  const { kind, checksum, view } = headerOf(stored, name);
  let value: Bytes;
  if (kind === INLINE) {
    value = stored.subarray(HEADER_BYTES);
  } else {
    if (stored.length !== CHUNKED_BYTES) throw corrupted(name, `has ${stored.length} bytes where a chunked value has ${CHUNKED_BYTES}`);
    const length = view.getUint32(HEADER_BYTES);
    const count = view.getUint16(HEADER_BYTES + 4);
    const chunks = await Promise.all(Array.from({ length: count }, (_, index) => readChunk(index)));
    const found = chunks.filter((chunk) => chunk !== undefined);
    if (found.length < count) throw corrupted(name, `${count - found.length} of its ${count} chunks are missing`);
    value = join(...found);
    if (value.length !== length) throw corrupted(name, `its chunks have ${value.length} bytes together, the header says ${length}`);
  }
  const computed = crc32c(value);
  if (computed !== checksum) throw corrupted(name, `its checksum is ${computed}, the header says ${checksum}`);
  return value;
}

/** The checksum of a stored value, without reading its chunks. Errors: `corrupted`. */
export const storedChecksum = (stored: Bytes, name: string): number => headerOf(stored, name).checksum;

/** How many chunks hold a stored value; 0 for one that is whole under its key. Errors: `corrupted`. */
export function chunkCount(stored: Bytes, name: string): number {
  const { kind, view } = headerOf(stored, name);
  return kind === CHUNKED && stored.length === CHUNKED_BYTES ? view.getUint16(HEADER_BYTES + 4) : 0;
}

/** Reads and unseals one key. `chunks` is the prefix of its chunks' keys. */
export async function readSealed(
  transaction: Transaction,
  read: ReadValue,
  key: Bytes,
  chunks: () => Bytes,
  name: string,
): Promise<{ readonly value: Bytes; readonly checksum: number } | undefined> {
  const stored = await read(transaction, key);
  if (stored === undefined) return undefined;
  const value = await unseal(stored, name, (index) => read(transaction, chunkKey(chunks(), index)));
  return { value, checksum: storedChecksum(stored, name) };
}

/** Stores a sealed value. `mayHaveChunks`: an earlier value under this key may have left chunks that must go. */
export function writeSealed(transaction: Transaction, key: Bytes, chunks: () => Bytes, sealed: Sealed, mayHaveChunks: boolean): void {
  if (mayHaveChunks || sealed.chunks.length > 0) {
    const prefix = chunks();
    if (mayHaveChunks) clearChunks(transaction, prefix);
    sealed.chunks.forEach((chunk, index) => {
      transaction.set(chunkKey(prefix, index), chunk);
    });
  }
  transaction.set(key, sealed.stored);
}

export function clearChunks(transaction: Transaction, chunks: Bytes): void {
  transaction.clearRange(chunkKey(chunks, 0), join(chunks, Uint8Array.of(255, 255)));
}

/** The text of a stored record. Errors: `corrupted`, with the key. */
export function parseStored(value: Bytes, name: string): unknown {
  try {
    return JSON.parse(fromUtf8(value));
  } catch (error) {
    throw corrupted(name, `does not parse: ${error instanceof Error ? error.message : String(error)}`, error);
  }
}

/** Records of the runtime are short JSON texts, sealed like values. */
export const encodeRecord = (record: object): Bytes => seal(utf8(JSON.stringify(record))).stored;

/** Errors: `corrupted` when the record is damaged, is chunked, does not parse, or lacks one of the fields. */
export function decodeRecord<T extends object>(stored: Bytes, name: string, fields: { readonly [Field in keyof T]: string }): T {
  const { kind, checksum } = headerOf(stored, name);
  if (kind !== INLINE) throw corrupted(name, 'a record of the runtime is never chunked');
  const value = stored.subarray(HEADER_BYTES);
  if (crc32c(value) !== checksum) throw corrupted(name, `its checksum is ${crc32c(value)}, the header says ${checksum}`);
  const record = parseStored(value, name);
  if (typeof record !== 'object' || record === null) throw corrupted(name, 'is no record');
  for (const field of Object.keys(fields) as (keyof T & string)[]) {
    const seen = typeof (record as Record<string, unknown>)[field];
    if (seen !== fields[field]) throw corrupted(name, `its field ${field} must be a ${fields[field]}, is ${seen}`);
  }
  return record as T;
}
