import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonical, RollingHash } from './trace.js';

const digestOf = (...values: readonly unknown[]): string => {
  const hash = new RollingHash();
  for (const value of values) hash.value(value);
  return hash.digest();
};

describe('canonical encoding', () => {
  it('is JSON that does not depend on the order of fields', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (record) => {
        const reversed = Object.fromEntries(Object.entries(record).reverse());
        expect(canonical(reversed)).toBe(canonical(record));
        expect(JSON.parse(canonical(record))).toEqual(JSON.parse(JSON.stringify(record)));
      }),
    );
  });

  it('leaves out undefined fields and refuses what is no JSON', () => {
    expect(canonical({ b: undefined, a: 1 })).toBe('{"a":1}');
    expect(() => canonical({ a: () => {} })).toThrow('plain JSON');
  });
});

describe('rolling hash', () => {
  it('does not depend on the order of fields, but on everything else', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
        const one = JSON.parse(JSON.stringify(a)) as unknown;
        const other = JSON.parse(JSON.stringify(b)) as unknown;
        expect(digestOf(one) === digestOf(other)).toBe(canonical(one) === canonical(other));
      }),
      { numRuns: 2000 },
    );
    expect(digestOf({ a: 1, b: 2 })).toBe(digestOf({ b: 2, a: 1 }));
    expect(digestOf({ a: 1, b: 2 })).not.toBe(digestOf({ a: 2, b: 1 }));
    expect(digestOf([1, 2])).not.toBe(digestOf([2, 1]));
    expect(digestOf(1, 2)).not.toBe(digestOf(2, 1));
    expect(digestOf('1')).not.toBe(digestOf(1));
    expect(digestOf(1.5)).not.toBe(digestOf(1.25));
  });

  it('sees the high part of a time', () => {
    const digest = (n: number): string => {
      const hash = new RollingHash();
      hash.int(n);
      return hash.digest();
    };
    expect(digest(1)).not.toBe(digest(1 + 2 ** 32));
    expect(digest(0)).toMatch(/^[0-9a-f]{16}$/);
  });
});
