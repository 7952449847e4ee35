/**
 * FoundationDB's atomic operations on one value, byte by byte as its `Atomic.h` defines them for API version 510 and later,
 * where `min` and `bit-and` on an absent value give the operand.
 */
import type { AtomicOperation, Bytes } from '../../ports.js';
import { compareKeys } from './key-order.js';

export const VALUE_BYTES_MAX = 100_000;

export type ValueOperation = Exclude<AtomicOperation, 'set-versionstamped-key' | 'set-versionstamped-value'>;

/** What the operation leaves; undefined is absent. */
export function applyOperation(operation: ValueOperation, existing: Bytes | undefined, operand: Bytes): Bytes | undefined {
  switch (operation) {
    case 'add':
      return add(existing, operand);
    case 'bit-and':
      return existing === undefined ? operand : zip(existing, operand, (a, b) => a & b);
    case 'bit-or':
      return zip(existing, operand, (a, b) => a | b);
    case 'bit-xor':
      return zip(existing, operand, (a, b) => a ^ b);
    case 'append-if-fits':
      return append(existing, operand);
    case 'max':
      return compareLittleEndian(existing, operand) > 0 ? fitted(existing, operand.length) : operand;
    case 'min':
      return existing !== undefined && compareLittleEndian(existing, operand) < 0 ? fitted(existing, operand.length) : operand;
    case 'byte-max':
      return existing !== undefined && compareKeys(existing, operand) > 0 ? existing : operand;
    case 'byte-min':
      return existing !== undefined && compareKeys(existing, operand) < 0 ? existing : operand;
    case 'compare-and-clear':
      return existing === undefined || compareKeys(existing, operand) === 0 ? undefined : existing;
  }
}

function add(existing: Bytes | undefined, operand: Bytes): Bytes {
  const sum = new Uint8Array(operand.length);
  let carry = 0;
  for (let i = 0; i < sum.length; i++) {
    carry += (existing?.[i] ?? 0) + (operand[i] ?? 0);
    sum[i] = carry & 0xff;
    carry >>>= 8;
  }
  return sum;
}

function zip(existing: Bytes | undefined, operand: Bytes, combine: (a: number, b: number) => number): Bytes {
  return operand.map((byte, i) => combine(existing?.[i] ?? 0, byte));
}

function append(existing: Bytes | undefined, operand: Bytes): Bytes {
  if (existing === undefined) return operand;
  if (existing.length + operand.length > VALUE_BYTES_MAX) return existing;
  const whole = new Uint8Array(existing.length + operand.length);
  whole.set(existing);
  whole.set(operand, existing.length);
  return whole;
}

/** Padded with zeros or cut to the length. */
function fitted(value: Bytes | undefined, length: number): Bytes {
  const result = new Uint8Array(length);
  if (value !== undefined) result.set(value.subarray(0, length));
  return result;
}

function compareLittleEndian(existing: Bytes | undefined, operand: Bytes): number {
  for (let i = operand.length - 1; i >= 0; i--) {
    const difference = (existing?.[i] ?? 0) - (operand[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
