import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { KelpieError } from './errors.js';
import { checkTextBytes, fromUtf8, toJsonText, utf8 } from './json.js';

function codeOf(act: () => unknown): string {
  try {
    act();
    return 'none';
  } catch (error) {
    return KelpieError.from(error).code;
  }
}

describe('texts', () => {
  test('become the bytes that the encoder gives, and come back', () => {
    const text = fc.string({ unit: fc.constantFrom('a', '\u0000', '\u007f', '\u0080', 'ü', '\u{1f600}'), maxLength: 260 });
    fc.assert(
      fc.property(text, (one) => {
        expect([...utf8(one)]).toEqual([...new TextEncoder().encode(one)]);
        expect(fromUtf8(utf8(one))).toBe(one);
      }),
    );
  });

  test('are measured in bytes', () => {
    expect(codeOf(() => checkTextBytes('a'.repeat(10), 10, 'x'))).toBe('none');
    expect(codeOf(() => checkTextBytes('a'.repeat(11), 10, 'x'))).toBe('too-large');
    expect(codeOf(() => checkTextBytes('ü'.repeat(5), 10, 'x'))).toBe('none');
    expect(codeOf(() => checkTextBytes('ü'.repeat(6), 10, 'x'))).toBe('too-large');
  });
});

test('what JSON cannot hold is refused, and nothing counts as null', () => {
  expect(toJsonText(undefined, 'x')).toBe('null');
  expect(toJsonText({ a: [1, 'b', null] }, 'x')).toBe('{"a":[1,"b",null]}');
  const cycle: unknown[] = [];
  cycle.push(cycle);
  for (const wrong of [() => 1, 1n, cycle, Symbol('s')]) expect(codeOf(() => toJsonText(wrong, 'x'))).toBe('invalid-argument');
});
