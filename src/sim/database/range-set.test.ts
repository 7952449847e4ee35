import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RangeSet } from './range-set.js';

/** Keys of one letter: few enough to hold the set as a set of keys. */
const LETTERS = [...'abcdefghijkl'];
const END = 'm';
const bounds = fc.tuple(fc.constantFrom(...LETTERS, END), fc.constantFrom(...LETTERS, END));
const within = (begin: string, end: string) => LETTERS.filter((letter) => letter >= begin && letter < end);

test('holds what a set of single keys would hold', () => {
  const step = fc.record({ what: fc.constantFrom('add', 'remove'), bounds });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30, size: 'max' }), bounds, (steps, [begin, end]) => {
      const set = new RangeSet();
      const model = new Set<string>();
      for (const { what, bounds } of steps) {
        if (what === 'add') set.add(...bounds);
        else set.remove(...bounds);
        for (const letter of within(...bounds)) {
          if (what === 'add') model.add(letter);
          else model.delete(letter);
        }
      }
      const ranges = [...set.ranges()];
      // Disjoint, in order, none empty, none touching.
      for (const [i, [from, to]] of ranges.entries()) {
        expect(from < to).toBe(true);
        expect((ranges[i - 1]?.[1] ?? '') < from).toBe(true);
      }
      expect(LETTERS.filter((letter) => set.has(letter))).toEqual(LETTERS.filter((letter) => model.has(letter)));
      expect(ranges.flatMap(([from, to]) => within(from, to))).toEqual(LETTERS.filter((letter) => model.has(letter)));
      const gaps = [...set.gaps(begin, end)].flatMap(([from, to]) => within(from, to));
      expect(gaps).toEqual(within(begin, end).filter((letter) => !model.has(letter)));
      const inside = begin < end ? ranges.filter(([from, to]) => from < end && to > begin) : [];
      if (begin < end) {
        expect(set.firstWithin(begin, end)).toEqual(inside[0]);
        expect(set.lastWithin(begin, end)).toEqual(inside.at(-1));
      }
    }),
    { numRuns: 2_000, seed: 30_002 },
  );
});

test('a copy does not follow its original', () => {
  const set = new RangeSet();
  set.add('a', 'c');
  const copy = set.copy();
  set.remove('a', 'b');
  expect([...copy.ranges()]).toEqual([['a', 'c']]);
  expect([...set.ranges()]).toEqual([['b', 'c']]);
});
