import { expect, test } from 'vitest';
import { parseDuration } from './duration.js';
import { UsageError } from './usage-error.js';

test.each([
  ['60s', 60_000_000],
  ['500ms', 500_000],
  ['1.5m', 90_000_000],
  ['2h', 7_200_000_000],
  ['7us', 7],
  ['0.000001s', 1],
])('%s is %i microseconds', (text, micros) => {
  expect(parseDuration('--sim-time', text)).toBe(micros);
});

test.each(['', '60', 's', '-5s', '5 s', '5d', '1e3s', 'soon'])('%j is refused with the flag and what to write', (text) => {
  expect(() => parseDuration('--sim-time', text)).toThrow(UsageError);
  expect(() => parseDuration('--sim-time', text)).toThrow(
    `--sim-time '${text}' is no duration; write a number and a unit, such as 500ms, 60s or 10m`,
  );
});

test('nothing and too much are refused', () => {
  expect(() => parseDuration('--sim-time', '0s')).toThrow('is shorter than one microsecond');
  expect(() => parseDuration('--sim-time', '99999999999h')).toThrow('is too long');
});
