/**
 * A look at LMDB's data file before LMDB maps it. The binding used here ends the whole process (segmentation fault, bus error) for a
 * file that is none of its own or that was cut off, so both are found and told first. Layout: `MDB_meta` on the first two pages.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { endianness } from 'node:os';
import { DatabaseError, databaseErrorCode } from '../../ports.js';

const MAGIC = 0xbeefc0de;
const DATA_VERSION = 2;
const MAGIC_AT = 24;
const VERSION_AT = 28;
const PAGE_BYTES_AT = 48;
const LAST_PAGE_AT = 144;
const TRANSACTION_AT = 152;
const META_BYTES = 160;

interface Meta {
  readonly pageBytes: number;
  readonly lastPage: number;
  readonly transaction: bigint;
}

/** Throws `fileCorrupt` when the file exists and cannot be a whole data file with pages of this size. */
export function refuseDamagedFile(path: string, pageBytes: number): void {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return;
    throw error;
  }
  try {
    const metas = [0, pageBytes].map((at) => readMeta(file, at));
    // Read after the header, because another process may be writing: the file grows before the header tells of it.
    const size = fstatSync(file).size;
    if (size === 0) return;
    const [first, second] = metas;
    if (first === undefined || second === undefined || first.pageBytes !== pageBytes || second.pageBytes !== pageBytes) {
      throw corrupt(path, `it is no LMDB data file of version ${DATA_VERSION} with pages of ${pageBytes} bytes`);
    }
    const newest = first.transaction > second.transaction ? first : second;
    const expected = (newest.lastPage + 1) * pageBytes;
    if (size < expected)
      throw corrupt(path, `it has ${size} bytes, its header tells of ${expected}: it was cut off, or copied while in use`);
  } finally {
    closeSync(file);
  }
}

function readMeta(file: number, at: number): Meta | undefined {
  const bytes = Buffer.alloc(META_BYTES);
  if (readSync(file, bytes, 0, META_BYTES, at) < META_BYTES) return undefined;
  const little = endianness() === 'LE';
  const int = (offset: number): number => (little ? bytes.readUInt32LE(offset) : bytes.readUInt32BE(offset));
  const long = (offset: number): bigint => (little ? bytes.readBigUInt64LE(offset) : bytes.readBigUInt64BE(offset));
  if (int(MAGIC_AT) !== MAGIC || (int(VERSION_AT) & 0xffff) !== DATA_VERSION) return undefined;
  return { pageBytes: int(PAGE_BYTES_AT), lastPage: Number(long(LAST_PAGE_AT)), transaction: long(TRANSACTION_AT) };
}

const corrupt = (path: string, why: string): DatabaseError =>
  new DatabaseError(
    databaseErrorCode.fileCorrupt,
    `${path} cannot be used: ${why}; restore the store from a copy, or name another directory`,
  );
