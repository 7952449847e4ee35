import { expect, test } from 'vitest';
import { clockTime, counted, describeFault, describeStrategy, duration, fieldsOf, folded, grouped, plain } from './text.js';

test('times and amounts read the same everywhere', () => {
  expect(clockTime(0)).toBe('0.000000');
  expect(clockTime(12_000_345)).toBe('12.000345');
  expect(duration(50)).toBe('50 us');
  expect(duration(1_500)).toBe('1.5 ms');
  expect(duration(60_000_000)).toBe('60 s');
  expect(duration(-2_000)).toBe('-2 ms');
  expect(grouped(0)).toBe('0');
  expect(grouped(1_234_567)).toBe('1 234 567');
  expect(counted(1, 'fault')).toBe('1 fault');
  expect(counted(0, 'fault')).toBe('0 faults');
});

test('plain values read without the noise of JSON, and what could break a line is quoted', () => {
  expect(plain('n1')).toBe('n1');
  expect(plain('two words')).toBe('"two words"');
  expect(plain('\u001b[31m\n')).toBe('"\\u001b[31m\\n"');
  expect(plain(null)).toBe('null');
  expect(plain([])).toBe('[]');
  expect(plain(['n1', 2, true])).toBe('n1,2,true');
  expect(plain({ numerator: 5, denominator: 1000 })).toBe('5/1000');
  expect(plain({ b: 1, a: ['x'] })).toBe('{a=x b=1}');
  expect(fieldsOf({ type: 'kill', reason: 'oom', left: undefined }, ['type'])).toBe('reason=oom');
});

test('a drawn fault reads as its episode and its magnitudes', () => {
  const params = { startMicros: 1_200_000, durationMicros: 2_000_000, rate: { numerator: 5, denominator: 1000 }, among: ['n1', 'n2'] };
  expect(describeFault({ id: 'network/loss', label: 'network/loss#1', params })).toBe('1.2 s to 3.2 s  rate=5/1000 among=n1,n2');
  expect(describeFault({ id: 'a/b', label: 'a/b#1', params: { startMicros: 0, durationMicros: 10 } })).toBe('0 us to 10 us');
});

test('every strategy has a name', () => {
  expect(describeStrategy({ kind: 'pct', depth: 3, horizon: 5_000 })).toBe('pct, depth 3, changes within 5 000 events');
  expect(describeStrategy({ kind: 'replay', decisions: [1] })).toBe('replay of 1 choice');
  expect(describeStrategy({ kind: 'pos' })).toBe('pos');
});

test('long text is broken at spaces, and a word is never cut', () => {
  expect(folded('one two three', 7)).toEqual(['one two', 'three']);
  expect(folded('one incomprehensibilities two', 7)).toEqual(['one', 'incomprehensibilities', 'two']);
  expect(folded('', 7)).toEqual(['']);
});
