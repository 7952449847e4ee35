/**
 * Atomic operations as FoundationDB defines them (API version 520 and later): integers are little-endian, the existing value is
 * padded with zeroes or cut to the operand's length, and on an absent key all but `compare-and-clear` leave the operand.
 */
import type { AtomicOperation, Bytes } from '../../ports.js';

export const KEY_BYTES_MAX = 10_000;
export const VALUE_BYTES_MAX = 100_000;

/** Length of a versionstamp: eight bytes of commit version and two of order within the version, both big-endian. */
const STAMP_BYTES = 10;
/** A versionstamped key or value ends with the place of its stamp, as a little-endian integer of this length. */
const OFFSET_BYTES = 4;

/** Operations whose result depends on nothing but the value they meet. */
export type ValueOperation = Exclude<AtomicOperation, 'set-versionstamped-key' | 'set-versionstamped-value'>;

/** What the operation leaves of a value; undefined is absent. The result may be one of the arguments. */
export function applyAtomic(operation: ValueOperation, existing: Bytes | undefined, operand: Bytes): Bytes | undefined {
  if (operation === 'compare-and-clear') {
    return existing !== undefined && compareBytes(existing, operand) === 0 ? undefined : existing;
  }
  if (existing === undefined) return operand;
  switch (operation) {
    case 'add':
      return added(existing, operand);
    case 'bit-and':
      return combined(existing, operand, (a, b) => a & b);
    case 'bit-or':
      return combined(existing, operand, (a, b) => a | b);
    case 'bit-xor':
      return combined(existing, operand, (a, b) => a ^ b);
    case 'append-if-fits':
      return existing.length + operand.length > VALUE_BYTES_MAX ? existing : joined(existing, operand);
    case 'max':
      return compareLittle(existing, operand) > 0 ? resized(existing, operand.length) : operand;
    case 'min':
      return compareLittle(existing, operand) < 0 ? resized(existing, operand.length) : operand;
    case 'byte-max':
      return compareBytes(existing, operand) > 0 ? existing : operand;
    case 'byte-min':
      return compareBytes(existing, operand) < 0 ? existing : operand;
  }
}

function added(existing: Bytes, operand: Bytes): Bytes {
  const sum = new Uint8Array(operand.length);
  let carry = 0;
  for (let i = 0; i < sum.length; i++) {
    const digit = (existing[i] ?? 0) + (operand[i] ?? 0) + carry;
    sum[i] = digit; // the array keeps the low eight bits
    carry = digit >> 8;
  }
  return sum;
}

function combined(existing: Bytes, operand: Bytes, combine: (a: number, b: number) => number): Bytes {
  const result = new Uint8Array(operand.length);
  for (let i = 0; i < result.length; i++) result[i] = combine(existing[i] ?? 0, operand[i] ?? 0);
  return result;
}

function joined(a: Bytes, b: Bytes): Bytes {
  const whole = new Uint8Array(a.length + b.length);
  whole.set(a);
  whole.set(b, a.length);
  return whole;
}

function resized(value: Bytes, length: number): Bytes {
  if (value.length === length) return value;
  const result = new Uint8Array(length);
  result.set(value.length > length ? value.subarray(0, length) : value);
  return result;
}

/** Compares as little-endian integers of the operand's length. */
function compareLittle(existing: Bytes, operand: Bytes): number {
  for (let i = operand.length - 1; i >= 0; i--) {
    const difference = (existing[i] ?? 0) - (operand[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function compareBytes(a: Bytes, b: Bytes): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** The ten bytes that order a commit among all others. */
export function versionstamp(version: number, order: number): Bytes {
  const stamp = new Uint8Array(STAMP_BYTES);
  const view = new DataView(stamp.buffer);
  view.setUint32(0, Math.floor(version / 4_294_967_296));
  view.setUint32(4, version >>> 0);
  view.setUint16(8, order);
  return stamp;
}

/** Where the stamp goes, or undefined when the bytes have no legal place for one. */
export function stampOffset(bytes: Bytes): number | undefined {
  const length = bytes.length - OFFSET_BYTES;
  if (length < STAMP_BYTES) return undefined;
  const offset = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(length, true);
  return offset + STAMP_BYTES > length ? undefined : offset;
}

/** The bytes with the stamp in its place and without the trailing offset; `stampOffset` has accepted them. */
export function stamped(bytes: Bytes, offset: number, stamp: Bytes): Bytes {
  const result = bytes.slice(0, bytes.length - OFFSET_BYTES);
  result.set(stamp, offset);
  return result;
}

/** The first and the last key that the commit may make of a versionstamped key, whatever its stamp. */
export function stampedKeyBounds(key: Bytes, offset: number): { readonly first: Bytes; readonly last: Bytes } {
  return {
    first: stamped(key, offset, new Uint8Array(STAMP_BYTES)),
    last: stamped(key, offset, new Uint8Array(STAMP_BYTES).fill(0xff)),
  };
}
