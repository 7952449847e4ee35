import { expect, test } from 'vitest';
import { once, oneOf, wantsColour } from './flags.js';

test('a flag given twice is refused, since one of its values would be ignored', () => {
  expect(once('seed')('1')).toBe('1');
  expect(once('seed')(undefined)).toBeUndefined();
  expect(() => once('seed')(['1', '2'])).toThrow('--seed is given 2 times (1, 2); give it once');
  expect(() => once('seed')('')).toThrow('--seed is empty');
});

test('a word that is none of the allowed ones is refused with all of them', () => {
  expect(oneOf('profile', ['none', 'all'], 'all')).toBe('all');
  expect(() => oneOf('profile', ['none', 'all'], 'some')).toThrow("--profile 'some' is none of none, all");
});

test('colours are for terminals, and NO_COLOR and --no-color turn them off', () => {
  expect(wantsColour(true, { isTTY: true }, {})).toBe(true);
  expect(wantsColour(true, { isTTY: true }, { NO_COLOR: '' })).toBe(true);
  expect(wantsColour(true, { isTTY: true }, { NO_COLOR: '1' })).toBe(false);
  expect(wantsColour(false, { isTTY: true }, {})).toBe(false);
  expect(wantsColour(true, {}, {})).toBe(false);
});
