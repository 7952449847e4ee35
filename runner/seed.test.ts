import fc from 'fast-check';
import { expect, test } from 'vitest';
import { freshSeed, isWrittenAsSeed, parseSeed } from './seed.js';
import { UsageError } from './usage-error.js';

test('a decimal integer from 0 is a seed', () => {
  expect(parseSeed('0')).toBe(0);
  expect(parseSeed('42')).toBe(42);
  expect(parseSeed('9007199254740991')).toBe(Number.MAX_SAFE_INTEGER);
});

test('a git commit is a seed, also when its digits happen to be decimal ones', () => {
  expect(parseSeed('4b825dc642cb6eb9a060e54bf8d69288fbee4904')).toBe('4b825dc642cb6eb9a060e54bf8d69288fbee4904');
  expect(parseSeed('1234567890123456789012345678901234567890')).toBe('1234567890123456789012345678901234567890');
});

test('what is written as a seed is taken for one and not for a file', () => {
  for (const text of ['0', '42', '9007199254740992', '4b825dc642cb6eb9a060e54bf8d69288fbee4904']) expect(isWrittenAsSeed(text)).toBe(true);
  for (const text of ['', '42.json', './42', '4b825dc642cb6eb9a060e54bf8d69288fbee490']) expect(isWrittenAsSeed(text)).toBe(false);
});

test.each(['', ' ', '-1', '+1', '1.5', '1e3', '0x10', '007', '12abc', 'forty-two', '4b825dc642cb6eb9a060e54bf8d69288fbee490'])(
  '%j is refused by name, with what a seed is',
  (text) => {
    expect(() => parseSeed(text)).toThrow(UsageError);
    expect(() => parseSeed(text)).toThrow(
      `'${text}' is no seed; a seed is an integer from 0 to 9007199254740991, or the 40 lower-case hex digits`,
    );
  },
);

test('a seed that doubles cannot hold exactly is refused with the largest one', () => {
  expect(() => parseSeed('9007199254740992')).toThrow('seed 9007199254740992 is too large; the largest is 9007199254740991');
});

test('an upper-case commit is refused with its lower-case form', () => {
  expect(() => parseSeed('4B825DC642CB6EB9A060E54BF8D69288FBEE4904')).toThrow('in lower case: 4b825dc642cb6eb9a060e54bf8d69288fbee4904');
});

test('fresh seeds are seeds, and differ', () => {
  const seeds = Array.from({ length: 100 }, freshSeed);
  for (const seed of seeds) expect(parseSeed(String(seed))).toBe(seed);
  expect(new Set(seeds).size).toBe(100);
});

test('every seed reads back as it was printed', () => {
  fc.assert(fc.property(fc.maxSafeNat(), (seed) => parseSeed(String(seed)) === seed));
});
