import { expect, test } from 'vitest';
import { answersOf, tooOld } from './redis-connection.js';

test.each([
  ['# Server\r\nredis_version:5.0.14\r\nredis_mode:standalone\r\n', 'is of version 5.0.14, and 6.2 is the oldest that works'],
  ['redis_version:6.0.16\r\n', 'is of version 6.0.16'],
  ['redis_version:6.2.0\r\n', undefined],
  ['redis_version:7.0.15\r\n', undefined],
  ['redis_version:10.1.0\r\n', undefined],
  ['', undefined],
])('judges the version in %j', (info, says) => {
  if (says === undefined) expect(tooOld(info)).toBeUndefined();
  else expect(tooOld(info)).toContain(says);
});

test('one answer that is an error fails all', () => {
  expect(
    answersOf([
      [null, 1],
      [null, 'two'],
    ]),
  ).toEqual([1, 'two']);
  expect(() =>
    answersOf([
      [null, 1],
      [new Error('WRONGTYPE'), undefined],
    ]),
  ).toThrow('WRONGTYPE');
});
