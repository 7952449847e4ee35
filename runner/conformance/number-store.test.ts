import fc from 'fast-check';
import { expect, test } from 'vitest';
import { NumberStore } from './number-store.js';

test('what was kept stays as it was, whatever is kept after it', () => {
  const lists = fc.array(fc.array(fc.nat({ max: 0xffff_ffff }), { maxLength: 20_000 }), { maxLength: 12 });
  fc.assert(
    fc.property(lists, fc.nat({ max: 12 }), (all, clearedAt) => {
      const store = new NumberStore();
      const kept = all.map((numbers, at) => {
        if (at === clearedAt) store.clear();
        return store.keep(numbers);
      });
      expect(kept.map((numbers) => [...numbers])).toEqual(all);
    }),
    { numRuns: 40 },
  );
});

test('many short arrays share memory, and one longer than a block has its own', () => {
  const store = new NumberStore();
  const short = Array.from({ length: 1_000 }, () => store.take(10));
  expect(new Set(short.map(({ buffer }) => buffer)).size).toBe(1);
  const long = store.take(100_000);
  expect(long.length).toBe(100_000);
  expect(long.buffer.byteLength).toBe(400_000);
});

test('taken numbers are zeros, also where others were written before', () => {
  const store = new NumberStore();
  store.take(5).fill(7);
  expect([...store.take(5)]).toEqual([0, 0, 0, 0, 0]);
  store.clear();
  expect([...store.take(5)]).toEqual([0, 0, 0, 0, 0]);
});
