import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Resolver } from './resolver.js';

const key = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 2 });
const range = fc.tuple(key, key).map(([x, y]) => (x < y ? ([x, y] as const) : ([y, x] as const)));
const keys = ['', ...[...'abc'].flatMap((first) => [first, ...[...'abc'].map((second) => first + second)])];
const covered = (from: string, to: string) => keys.filter((name) => name >= from && name < to);

test('finds the conflicts that a table of every key and its last write would show', () => {
  const commit = fc.record({
    reads: fc.record({
      points: fc.array(key, { maxLength: 3 }),
      ranges: fc.array(
        range.filter(([from, to]) => from < to),
        { maxLength: 2 },
      ),
    }),
    writes: fc.record({ points: fc.array(key, { maxLength: 2 }), ranges: fc.array(range, { maxLength: 1 }) }),
    age: fc.integer({ min: 0, max: 8 }),
  });
  let conflicts = 0;
  fc.assert(
    fc.property(fc.array(commit, { maxLength: 40, size: 'max' }), (commits) => {
      const resolver = new Resolver();
      const lastWritten = new Map<string, number>();
      for (const [i, { reads, writes, age }] of commits.entries()) {
        const version = i + 10;
        const readVersion = version - 1 - age;
        const touched = [...reads.points, ...reads.ranges.flatMap(([from, to]) => covered(from, to))];
        const expected = touched.some((name) => (lastWritten.get(name) ?? 0) > readVersion);
        if (expected) conflicts++;
        expect(resolver.conflicts(reads, readVersion)).toBe(expected);
        for (const point of writes.points) resolver.writePoint(point, version);
        for (const [from, to] of writes.ranges) resolver.writeRange(from, to, version);
        for (const name of [...writes.points, ...writes.ranges.flatMap(([from, to]) => covered(from, to))]) lastWritten.set(name, version);
        resolver.prune(version - 9);
      }
    }),
    { numRuns: 600, seed: 30_004 },
  );
  expect(conflicts).toBeGreaterThan(1_000);
});

test('an empty range is written by nobody and a range ends before its end', () => {
  const resolver = new Resolver();
  resolver.writeRange('b', 'b', 5);
  resolver.writeRange('c', 'e', 5);
  expect(resolver.conflicts({ points: ['b'], ranges: [['a', 'c']] }, 1)).toBe(false);
  expect(resolver.conflicts({ points: ['e'], ranges: [['e', 'f']] }, 1)).toBe(false);
  expect(resolver.conflicts({ points: ['d'], ranges: [] }, 1)).toBe(true);
  expect(resolver.conflicts({ points: ['d'], ranges: [] }, 5)).toBe(false);
});
