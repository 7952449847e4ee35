import { expect, test } from 'vitest';
import { segmentIndex, segmentName } from './segment.js';

test('the name of a segment tells its index, and no other name tells any', () => {
  for (const index of [1, 42, 999_999_999_999]) expect(segmentIndex(segmentName(index))).toBe(index);
  const name = segmentName(7);
  for (const other of [`copy-${name}`, `${name}.old`, `0${name}`, name.slice(1), '.wal', '']) expect(segmentIndex(other)).toBeUndefined();
});
