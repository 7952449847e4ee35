import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { randomOf } from './random.js';

describe('random streams', () => {
  it('give the same draws for the same seed and label, and others for another', () => {
    const draw = (seed: number | string, label: string) =>
      Array.from(
        { length: 20 },
        (
          (r) => () =>
            r.int(1000)
        )(randomOf(seed).fork(label)),
      );
    expect(draw(42, 'network/n1->n2')).toEqual(draw(42, 'network/n1->n2'));
    expect(draw(42, 'network/n1->n2')).not.toEqual(draw(43, 'network/n1->n2'));
    expect(draw(42, 'network/n1->n2')).not.toEqual(draw(42, 'network/n2->n1'));
    expect(draw('0'.repeat(39) + '1', 'a')).not.toEqual(draw('0'.repeat(39) + '2', 'a'));
  });

  it('have draws that are pinned for ever, or old seeds would tell other stories', () => {
    const random = randomOf(42).fork('pinned');
    expect([
      random.int(1000),
      random.int(1000),
      random.int(2 ** 53 - 1),
      random.chance(1, 2),
      random.pick(['a', 'b', 'c']),
    ]).toMatchInlineSnapshot(`
      [
        52,
        385,
        1859967667533320,
        false,
        "c",
      ]
    `);
  });

  it('never shift one another, however draws interleave', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('a', 'b', 'a/b', 'c'), { maxLength: 60 }), (order) => {
        const root = randomOf(7);
        const streams = new Map(['a', 'b', 'a/b', 'c'].map((label) => [label, root.fork(label)]));
        const interleaved = new Map<string, number[]>();
        for (const label of order) interleaved.set(label, [...(interleaved.get(label) ?? []), streams.get(label)?.int(1 << 20) ?? -1]);
        for (const [label, draws] of interleaved) {
          const alone = randomOf(7).fork(label);
          expect(draws).toEqual(draws.map(() => alone.int(1 << 20)));
        }
      }),
    );
  });

  it('keep labels with slashes apart from nested forks', () => {
    expect(
      randomOf(1)
        .fork('a')
        .fork('b')
        .int(2 ** 40),
    ).not.toBe(
      randomOf(1)
        .fork('a/b')
        .int(2 ** 40),
    );
  });

  it('stay in range and reach both ends', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 53 - 1 }), fc.string(), (bound, label) => {
        const draw = randomOf(3).fork(label).int(bound);
        expect(Number.isSafeInteger(draw) && draw >= 0 && draw < bound).toBe(true);
      }),
    );
    const random = randomOf(5);
    const seen = new Set(Array.from({ length: 200 }, () => random.between(-2, 2)));
    expect([...seen].sort((a, b) => a - b)).toEqual([-2, -1, 0, 1, 2]);
  });

  it('are uniform: chi-squared over ten cells stays below the 0.1 % bound', () => {
    const random = randomOf(11).fork('uniform');
    const cells = new Array<number>(10).fill(0);
    for (let i = 0; i < 100_000; i++) cells[random.int(10)]!++; // int(10) indexes ten cells
    const chi = cells.reduce((sum, n) => sum + (n - 10_000) ** 2 / 10_000, 0);
    expect(chi).toBeLessThan(27.9);
  });

  it('shuffle into every order', () => {
    const random = randomOf(13);
    const orders = new Set(Array.from({ length: 200 }, () => random.shuffle([1, 2, 3]).join('')));
    expect(orders.size).toBe(6);
  });

  it('refuse bounds that are none', () => {
    const random = randomOf(1);
    for (const bound of [0, -1, 1.5, Number.NaN, 2 ** 53]) expect(() => random.int(bound)).toThrow(RangeError);
    expect(() => random.pick([])).toThrow('no items');
    expect(() => random.between(3, 2)).toThrow('empty');
  });
});
