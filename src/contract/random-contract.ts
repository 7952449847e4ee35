/** What every `Random` must do. Where draws are compared, only their independence is promised, never their values. */
import { describe, expect, test } from 'vitest';
import type { Random } from '../ports.js';

export interface RandomContractOptions {
  /** A new source; two calls may give different streams. */
  make(): Random;
}

export function randomContract(name: string, options: RandomContractOptions): void {
  describe(`${name} keeps the Random contract`, () => {
    test('int draws every value below its bound and nothing else', () => {
      const random = options.make();
      for (const bound of [1, 2, 3, 7, 10]) {
        const seen = new Set<number>();
        for (let i = 0; i < 500; i++) seen.add(random.int(bound));
        expect([...seen].sort((x, y) => x - y)).toEqual(Array.from({ length: bound }, (_, i) => i));
      }
    });

    test('int draws whole numbers over the full range', () => {
      const random = options.make();
      let high = 0;
      for (let i = 0; i < 200; i++) {
        const drawn = random.int(Number.MAX_SAFE_INTEGER);
        expect(Number.isSafeInteger(drawn) && drawn >= 0 && drawn < Number.MAX_SAFE_INTEGER).toBe(true);
        if (drawn >= 2 ** 52) high++;
      }
      expect(high).toBeGreaterThan(50);
      expect(high).toBeLessThan(150);
    });

    test('int refuses a bound that is none', () => {
      const random = options.make();
      for (const bound of [0, -1, 1.5, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY]) {
        expect(() => random.int(bound), String(bound)).toThrow(RangeError);
      }
    });

    test('int is even: each of ten values in 10,000 draws comes 1,000 times, within six standard deviations', () => {
      const random = options.make();
      const counts = Array<number>(10).fill(0);
      for (let i = 0; i < 10_000; i++) {
        const drawn = random.int(10);
        counts[drawn] = (counts[drawn] ?? 0) + 1;
      }
      for (const count of counts) expect(Math.abs(count - 1_000)).toBeLessThan(180);
    });

    test('between includes both ends', () => {
      const random = options.make();
      const seen = new Set<number>();
      for (let i = 0; i < 500; i++) seen.add(random.between(-2, 2));
      expect([...seen].sort((x, y) => x - y)).toEqual([-2, -1, 0, 1, 2]);
      expect(random.between(5, 5)).toBe(5);
      expect(() => random.between(2, 1)).toThrow(RangeError);
    });

    test('chance is never at 0, always at 1, and as often as its ratio says', () => {
      const random = options.make();
      let hits = 0;
      for (let i = 0; i < 1_000; i++) {
        expect(random.chance(0, 5)).toBe(false);
        expect(random.chance(5, 5)).toBe(true);
        if (random.chance(1, 4)) hits++;
      }
      expect(Math.abs(hits - 250)).toBeLessThan(90);
    });

    test('pick takes any item, and refuses an empty list', () => {
      const random = options.make();
      const seen = new Set<string>();
      for (let i = 0; i < 300; i++) seen.add(random.pick(['a', 'b', 'c']));
      expect([...seen].sort()).toEqual(['a', 'b', 'c']);
      expect(() => random.pick([])).toThrow(RangeError);
    });

    test('shuffle keeps the items, leaves its argument alone and reaches every order', () => {
      const random = options.make();
      const items = ['a', 'b', 'c'] as const;
      const orders = new Set<string>();
      for (let i = 0; i < 500; i++) orders.add(random.shuffle(items).join(''));
      expect([...orders].sort()).toEqual(['abc', 'acb', 'bac', 'bca', 'cab', 'cba']);
      expect(items).toEqual(['a', 'b', 'c']);
      expect(random.shuffle([])).toEqual([]);
    });

    test('bytes are as many as asked, and take every value', () => {
      const random = options.make();
      expect(random.bytes(0).length).toBe(0);
      expect(random.bytes(33).length).toBe(33);
      expect(new Set(random.bytes(20_000)).size).toBe(256);
    });

    test('a fork is a stream of its own', () => {
      const random = options.make();
      const draw = (stream: Random): string => Array.from({ length: 8 }, () => stream.int(1_000_000)).join();
      const streams = [random, random.fork('a'), random.fork('b'), random.fork('a').fork('b')].map(draw);
      expect(new Set(streams).size).toBe(streams.length);
    });
  });
}
