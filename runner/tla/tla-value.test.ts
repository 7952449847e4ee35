/** Both engines' ways to print values, and the forms that must come out equal. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatValue, parseValue, stateText, TlaValueError, type TlaValue, valueText } from './tla-value.js';

describe('parseValue', () => {
  const cases: readonly (readonly [string, string, TlaValue])[] = [
    ['numbers', '-3', -3],
    ['strings with quotes', String.raw`"say \"no\""`, 'say "no"'],
    ['booleans as TLC prints them', 'TRUE', true],
    ['booleans as the embedded engine prints them', 'false', false],
    ['model values', 'n1', { $model: 'n1' }],
    ['sequences', '<<1, "a", <<>>>>', [1, 'a', []]],
    ['sets, sorted and without repetition', '{3, 1, 2, 1}', { $set: [1, 2, 3] }],
    ['the empty set', '{}', { $set: [] }],
    ['intervals', '1..3', { $set: [1, 2, 3] }],
    ['an interval that is empty', '2..1', { $set: [] }],
    ['records', '[holder |-> "n1", age |-> 2]', { holder: 'n1', age: 2 }],
    ['records over several lines', '<< [ id |-> 1,\n     key |-> "k1" ] >>', [{ id: 1, key: 'k1' }]],
    ['functions over strings, as records', '("a b" :> 1 @@ "c" :> 2)', { 'a b': 1, c: 2 }],
    ['functions over 1..n, as sequences', '(2 :> "b" @@ 1 :> "a")', ['a', 'b']],
    [
      'functions over other numbers',
      '(0 :> "a" @@ 1 :> "b")',
      {
        $fn: [
          [0, 'a'],
          [1, 'b'],
        ],
      },
    ], // prettier-ignore
    [
      'functions over model values',
      '(n2 :> 0 @@ n1 :> 1)',
      {
        $fn: [
          [{ $model: 'n1' }, 1],
          [{ $model: 'n2' }, 0],
        ],
      },
    ], // prettier-ignore
  ];
  test.each(cases)('reads %s', (_, text, value) => expect(parseValue(text)).toEqual(value));

  test.each(['', '{1, 2', '[a |-> ]', '1 2', '<<1>', '[1 |-> 2]', '"a".."b"', '#'])('refuses %j', (text) => {
    expect(() => parseValue(text)).toThrow(TlaValueError);
  });
});

describe('formatValue', () => {
  const plain = fc.letrec<{ value: TlaValue }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      fc.integer(),
      fc.boolean(),
      fc.string({ unit: fc.constantFrom('a', '"', '\\', ' ', '<') }),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom('a', 'b', 'c_1'), tie('value'), { minKeys: 1, maxKeys: 3 }),
      fc.array(tie('value'), { maxLength: 3 }).map((members) => parseValue(`{${members.map(formatValue).join(', ')}}`)),
    ),
  })).value;

  test('gives back what was parsed', () => {
    fc.assert(
      fc.property(plain, (value) => {
        expect(valueText(parseValue(formatValue(value)))).toBe(valueText(value));
      }),
    );
  });

  test('needs no module for functions over other domains', () => {
    expect(formatValue(parseValue('(0 :> "a" @@ 1 :> "b")'))).toBe('[x_ \\in {0, 1} |-> CASE x_ = 0 -> "a" [] x_ = 1 -> "b"]');
  });
});

test('a state has one text, in whatever order its variables come', () => {
  expect(stateText({ b: { $set: [] }, a: [1] })).toBe(stateText({ a: [1], b: { $set: [] } }));
  expect(stateText({ a: [] })).not.toBe(stateText({ a: { $set: [] } }));
});
