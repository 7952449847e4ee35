import { describe, expect, test } from 'vitest';
import { KelpieError } from '../errors.js';
import { encodeBatch, entryRecord, type ParsedSegment, parseSegment, segmentIndex, segmentName } from './segment.js';

/** The batch with this number, of one entry. */
const batch = (number: number): Uint8Array =>
  encodeBatch(number, [entryRecord({ id: number, key: `k${number}`, operation: 'write', payload: 'null', atMicros: 0 })]);

const joined = (...parts: readonly Uint8Array[]): Uint8Array => Uint8Array.from(parts.flatMap((part) => [...part]));
const torn = (number: number): Uint8Array => batch(number).subarray(0, 30);
const BATCH_BYTES = batch(1).length;

function parsed(bytes: Uint8Array, { previous, isLast = true }: { previous?: number; isLast?: boolean } = {}): unknown {
  try {
    const { batches, wholeBytes }: ParsedSegment = parseSegment('w', bytes, previous, isLast);
    return { numbers: batches.map(({ number }) => number), wholeBytes };
  } catch (error) {
    const { code, message } = KelpieError.from(error);
    return `${code} ${/at byte \d+/.exec(message)?.[0]}`;
  }
}

describe('a segment of the log', () => {
  test('is read batch by batch, and goes on where the one before it ended', () => {
    expect(parsed(joined(batch(1), batch(2)))).toEqual({ numbers: [1, 2], wholeBytes: 2 * BATCH_BYTES });
    expect(parsed(joined(batch(8), batch(9)), { previous: 7 })).toEqual({ numbers: [8, 9], wholeBytes: 2 * BATCH_BYTES });
  });

  test('may end in a torn batch when it is the last one', () => {
    expect(parsed(joined(batch(1), torn(2)))).toEqual({ numbers: [1], wholeBytes: BATCH_BYTES });
    expect(parsed(torn(8), { previous: 7 })).toEqual({ numbers: [], wholeBytes: 0 });
  });

  test('is refused for a torn end when another one was begun after it', () => {
    expect(parsed(joined(batch(1), torn(2)), { isLast: false })).toBe(`corrupted at byte ${BATCH_BYTES}`);
  });

  test('is refused when a batch is missing: whole ones behind it are no torn end', () => {
    expect(parsed(joined(batch(1), batch(3), batch(4)))).toBe(`corrupted at byte ${BATCH_BYTES}`);
    expect(parsed(joined(batch(1), batch(3)))).toBe(`corrupted at byte ${BATCH_BYTES}`);
    expect(parsed(batch(9), { previous: 7 })).toBe('corrupted at byte 0');
    expect(parsed(joined(batch(1), torn(2), batch(3)))).toBe(`corrupted at byte ${BATCH_BYTES}`);
  });

  test('does not take bytes of an earlier use for its next batch', () => {
    expect(parsed(joined(batch(8), batch(3)), { previous: 7 })).toEqual({ numbers: [8], wholeBytes: BATCH_BYTES });
  });
});

test('the name of a segment tells its index, and no other name tells any', () => {
  for (const index of [1, 42, 999_999_999_999]) expect(segmentIndex(segmentName(index))).toBe(index);
  const name = segmentName(7);
  for (const other of [`copy-${name}`, `${name}.old`, `0${name}`, name.slice(1), '.wal', '']) expect(segmentIndex(other)).toBeUndefined();
});
