/** What keys, values, ranges and selectors may be: FoundationDB's limits with its codes. */
import { type Bytes, DatabaseError, databaseErrorCode as code, type KeySelector } from '../../ports.js';
import { VALUE_BYTES_MAX } from './atomics.js';
import { compareKeys, copyOf, END_KEY } from './key-order.js';

const KEY_BYTES_MAX = 10_000;

export function checkReadKey(key: Bytes): void {
  if (compareKeys(key, END_KEY) >= 0) throw outside(key);
}

/** `extra` bytes are a trailer that is not stored. */
export function checkKey(key: Bytes, extra = 0): void {
  checkReadKey(key);
  if (key.length > KEY_BYTES_MAX + extra) {
    throw new DatabaseError(code.keyTooLarge, `a key of ${key.length} bytes is longer than ${KEY_BYTES_MAX}`);
  }
}

export function checkWrite(key: Bytes, value: Bytes, keyExtra = 0, valueExtra = 0): void {
  checkKey(key, keyExtra);
  if (value.length > VALUE_BYTES_MAX + valueExtra) {
    throw new DatabaseError(code.valueTooLarge, `a value of ${value.length} bytes is longer than ${VALUE_BYTES_MAX}`);
  }
}

export function checkRange(begin: Bytes, end: Bytes): void {
  checkBound(begin);
  checkBound(end);
  if (compareKeys(begin, end) > 0) throw new DatabaseError(code.invertedRange, 'the range begins after its end');
}

export function checkBound(bound: Bytes): void {
  if (compareKeys(bound, END_KEY) > 0) throw outside(bound);
}

/** A selector of its own bytes, checked. */
export function ownSelector({ key, orEqual, offset }: KeySelector): KeySelector {
  if (!Number.isSafeInteger(offset))
    throw new DatabaseError(code.clientInvalidOperation, `a selector's offset is an integer, not ${offset}`);
  checkBound(key);
  return { key: copyOf(key), orEqual, offset };
}

function outside(key: Bytes): DatabaseError {
  const beginning = Buffer.from(key.subarray(0, 8)).toString('hex');
  return new DatabaseError(
    code.keyOutsideLegalRange,
    `a key that begins ${beginning} (hex) is outside of the legal range, which ends at ff`,
  );
}
