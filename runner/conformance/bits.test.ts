import { expect, test } from 'vitest';
import { Bits } from './bits.js';

test('holds what was added, at the edges of its words too', () => {
  const ids = [0, 31, 32, 63, 64, 95, 99];
  const bits = Bits.of(100, ids);
  expect(bits.ids()).toEqual(ids);
  expect(bits.count()).toBe(ids.length);
  expect([0, 1, 31, 33, 99].map((id) => bits.has(id))).toEqual([true, false, true, false, true]);
});

test('takes in another set and leaves it as it is', () => {
  const one = Bits.of(70, [1, 40]);
  const other = Bits.of(70, [40, 69]);
  one.union(other);
  expect(one.ids()).toEqual([1, 40, 69]);
  expect(other.ids()).toEqual([40, 69]);
});
