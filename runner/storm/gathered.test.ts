import { expect, test } from 'vitest';
import { passedAt } from '../fixtures/seed-results.js';
import { Gathered } from './gathered.js';
import type { SeedResult } from './seed-result.js';

const result = (position: number): SeedResult => passedAt(position, position);

test('counts each run once, for the machine that was named first', () => {
  const gathered = new Gathered(['bank']);
  gathered.add([result(0), result(1)], []);
  expect(gathered.machines()).toEqual([]);
  expect(gathered.isShared(0)).toBe(false);
  gathered.add([result(1), result(2)], [], 'east');
  gathered.add([result(0), result(1), result(2)], [], 'about');
  expect(gathered.tally.runs).toBe(3);
  expect([...gathered.done]).toEqual([0, 1, 2]);
  expect(gathered.machines()).toEqual([
    { name: 'about', runs: 1 },
    { name: 'east', runs: 2 },
  ]);
  expect(gathered.isShared(0)).toBe(true);
  gathered.seal();
  gathered.add([result(3)], [], 'late');
  expect(gathered.tally.runs).toBe(3);
});
