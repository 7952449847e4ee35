import { expect, test } from 'vitest';
import { randomContract } from '../contract/random-contract.js';
import { RealRandom } from './random.js';

randomContract('the host’s generator', { make: () => new RealRandom() });

test('refuses lengths and ranges that are none', () => {
  const random = new RealRandom();
  expect(() => random.bytes(-1)).toThrow(RangeError);
  expect(() => random.bytes(1.5)).toThrow(RangeError);
  expect(() => random.between(0.5, 2)).toThrow(RangeError);
});
