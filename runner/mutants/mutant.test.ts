import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isDrawn, keyOf, mutated, type Mutation, originalAt, parseSample, type Span } from './mutant.js';

const TEXT = 'function lease(a: number) {\n  if (a > 1) {\n    return a;\n  }\n  if (a > 1) return -a;\n  return 0;\n}\n';

const span = (line: number, from: number, to: number, endLine = line): Span => ({
  start: { line, column: from },
  end: { line: endLine, column: to },
});
const mutation = (change: Partial<Mutation> = {}): Mutation => ({
  file: 'src/lease.ts',
  mutator: 'EqualityOperator',
  span: span(1, 6, 11),
  replacement: 'a >= 1',
  ...change,
});

test('the original is what stands at the place, over several lines too', () => {
  expect(originalAt(TEXT, span(1, 6, 11))).toBe('a > 1');
  expect(originalAt(TEXT, span(1, 13, 3, 3))).toBe('{\n    return a;\n  }');
  expect(() => originalAt(TEXT, span(6, 0, 1, 60))).toThrow('the text has no lines 7 to 61');
});

test('the change is made at its place and nowhere else', () => {
  expect(mutated(TEXT, { span: span(1, 6, 11), replacement: 'true' })).toBe(TEXT.replace('a > 1', 'true'));
  expect(mutated(TEXT, { span: span(1, 13, 3, 3), replacement: '{}' })).toBe(TEXT.replace('{\n    return a;\n  }', '{}'));
});

test('the key of a mutant outlives edits around it, and not an edit of it', () => {
  const key = keyOf(mutation(), TEXT);
  expect(key).toMatch(/^[0-9a-f]{8}$/);
  const moved = `// a comment more\n${TEXT.replace('  if (a > 1) {', '      if (a > 1) {')}`;
  expect(keyOf(mutation({ span: span(2, 10, 15) }), moved)).toBe(key);
  const edited = TEXT.replace('if (a > 1) {', 'if (a > 2) {');
  expect(keyOf(mutation(), edited)).not.toBe(key);
});

test('no two mutants of one text have the same key', () => {
  const all = [
    mutation(),
    mutation({ replacement: 'a <= 1' }),
    mutation({ mutator: 'ConditionalExpression' }),
    mutation({ file: 'src/leases.ts' }),
    mutation({ span: span(1, 6, 7) }),
    mutation({ span: span(4, 6, 11) }),
  ];
  expect(new Set(all.map((one) => keyOf(one, TEXT))).size).toBe(all.length);
  const twice = 'if (a) b();\nif (a) b();\n';
  expect(keyOf(mutation({ span: span(0, 4, 5) }), twice)).not.toBe(keyOf(mutation({ span: span(1, 4, 5) }), twice));
});

const KEYS = Array.from({ length: 4_000 }, (_, at) => at.toString(16).padStart(8, '0'));

test('a sample is the same sample again, about as large as asked for, and holds the rarer ones of its seed', () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 20 }), fc.nat(), (oneIn, seed) => {
      const drawn = KEYS.filter((key) => isDrawn(key, { oneIn, seed }));
      const rarer = KEYS.filter((key) => isDrawn(key, { oneIn: 2 * oneIn, seed }));
      expect(drawn).toEqual(KEYS.filter((key) => isDrawn(key, { oneIn, seed })));
      expect(drawn.length).toBeGreaterThan((0.6 * KEYS.length) / oneIn);
      expect(drawn.length).toBeLessThan((1.6 * KEYS.length) / oneIn);
      expect(drawn).toEqual(expect.arrayContaining(rarer));
    }),
    { numRuns: 20 },
  );
  expect(KEYS.every((key) => isDrawn(key, { oneIn: 1, seed: 3 }))).toBe(true);
  expect(KEYS.filter((key) => isDrawn(key, { oneIn: 9, seed: 1 }))).not.toEqual(KEYS.filter((key) => isDrawn(key, { oneIn: 9, seed: 2 })));
});

test('a sample is read as one in so many, and a seed', () => {
  expect(parseSample('40/7')).toEqual({ oneIn: 40, seed: 7 });
  expect(parseSample('40')).toEqual({ oneIn: 40, seed: 0 });
  for (const wrong of ['0', '40/', '/7', '-1', '1.5', '40/x', '', '5000000000']) expect(parseSample(wrong)).toBeUndefined();
});
