import { expect, test } from 'vitest';
import { wilson } from './wilson.js';

test('the interval is that of the tables', () => {
  const { low, high } = wilson(81, 263);
  expect(low).toBeCloseTo(0.2553, 3);
  expect(high).toBeCloseTo(0.3662, 3);
  expect(wilson(0, 20).low).toBe(0);
  expect(wilson(0, 20).high).toBeCloseTo(0.1611, 3);
  expect(wilson(20, 20).high).toBe(1);
});

test('its ends are where the share is just so far from what was seen', () => {
  for (const [part, whole] of [
    [1, 3],
    [22, 61],
    [500, 780],
  ] as const) {
    const { low, high } = wilson(part, whole);
    for (const end of [low, high]) {
      const deviation = Math.sqrt((end * (1 - end)) / whole);
      expect(Math.abs(part / whole - end) / deviation).toBeCloseTo(1.96, 3);
    }
  }
});
