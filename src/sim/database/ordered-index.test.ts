import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Keyed, OrderedIndex } from './ordered-index.js';

/** What a sorted array would bring. */
function inRange(keys: ReadonlySet<string>, begin: string, end: string): string[] {
  return [...keys].filter((key) => key >= begin && key < end).sort((a, b) => (a < b ? -1 : 1));
}

function forward(index: OrderedIndex<Keyed>, begin: string, end: string, most = Number.POSITIVE_INFINITY): string[] {
  const seen: string[] = [];
  index.forward(begin, end, ({ key }) => seen.push(key) < most);
  return seen;
}

function backward(index: OrderedIndex<Keyed>, begin: string, end: string, most = Number.POSITIVE_INFINITY): string[] {
  const seen: string[] = [];
  index.backward(begin, end, ({ key }) => seen.push(key) < most);
  return seen;
}

test('brings what a sorted array would, through growth and shrinking', () => {
  const name = fc.integer({ min: 0, max: 3_000 }).map((n) => n.toString(36));
  const phase = fc.record({
    insert: fc.array(name, { maxLength: 1_500, size: 'max' }),
    remove: fc.array(name, { maxLength: 1_500, size: 'max' }),
    bounds: fc.tuple(name, name),
  });
  fc.assert(
    fc.property(fc.array(phase, { minLength: 1, maxLength: 4 }), (phases) => {
      const index = new OrderedIndex<Keyed>();
      const keys = new Set<string>();
      for (const { insert, remove, bounds } of phases) {
        for (const key of insert) {
          if (!keys.has(key)) index.insert({ key });
          keys.add(key);
        }
        for (const key of remove) {
          index.remove(key);
          keys.delete(key);
        }
        const [begin, end] = bounds;
        const expected = inRange(keys, begin, end);
        expect(forward(index, begin, end)).toEqual(expected);
        expect(backward(index, begin, end)).toEqual([...expected].reverse());
        expect(forward(index, begin, '\xff', 3)).toEqual(inRange(keys, begin, '\xff').slice(0, 3));
        expect(backward(index, '', end, 3)).toEqual(inRange(keys, '', end).reverse().slice(0, 3));
        expect(index.size).toBe(keys.size);
        for (const key of insert.slice(0, 20)) expect(index.get(key)?.key).toBe(keys.has(key) ? key : undefined);
      }
    }),
    { numRuns: 60, seed: 30_001 },
  );
});

test('keeps ascending, descending and interleaved insertions in order, and empties again', () => {
  for (const order of [(i: number) => i, (i: number) => 9_999 - i, (i: number) => (i * 7_919) % 10_000]) {
    const index = new OrderedIndex<Keyed>();
    for (let i = 0; i < 10_000; i++) index.insert({ key: String(order(i)).padStart(4, '0') });
    const all = Array.from({ length: 10_000 }, (_, i) => String(i).padStart(4, '0'));
    expect(forward(index, '', '\xff')).toEqual(all);
    for (let i = 0; i < 10_000; i++) index.remove(String(order((i * 3) % 10_000)).padStart(4, '0'));
    expect(forward(index, '', '\xff')).toEqual(all.filter((_, i) => index.get(String(i).padStart(4, '0')) !== undefined));
    for (const key of all) index.remove(key);
    expect(backward(index, '', '\xff')).toEqual([]);
    index.insert({ key: 'again' });
    expect(forward(index, '', '\xff')).toEqual(['again']);
  }
});
