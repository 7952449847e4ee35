import { expect, test } from 'vitest';
import { batchSize, CountedBatches } from './batches.js';

const always = (): boolean => true;

test('counts up, leaves out what is done, and ends', async () => {
  const batches = new CountedBatches(7, 3, new Set([1, 4]));
  const taken = [await batches.take(always), await batches.take(always), await batches.take(always)];
  expect(taken.map((batch) => batch?.positions)).toEqual([[0, 2, 3], [5, 6], undefined]);
});

test('asks whether more may begin only where there is something left, and then hands out nothing', async () => {
  const nobody = (): boolean => {
    throw new Error('asked');
  };
  expect(await new CountedBatches(2, 8, new Set([0, 1])).take(nobody)).toBeUndefined();
  const batches = new CountedBatches(2, 8, new Set());
  expect(await batches.take(() => false)).toBeUndefined();
  expect((await batches.take(always))?.positions).toEqual([0, 1]);
});

test('hands out one by one to whoever ends at the first failure', () => {
  expect(batchSize(true)).toBe(1);
  expect(batchSize(false)).toBeGreaterThan(1);
});
