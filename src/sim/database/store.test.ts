import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bytes, DatabaseModel, text } from '../../contract/database-model.js';
import { type ScanLimits, Store } from './store.js';

const UNBOUND: ScanLimits = { items: 0, bytes: 0 };
const key = fc.string({ unit: fc.constantFrom('a', 'b', '\x00', '\xfe'), maxLength: 3 });
const write = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('set' as const), key, value: fc.string({ unit: 'grapheme-ascii', maxLength: 2 }) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('clear' as const), key }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('clear-range' as const), key, end: key }) },
);

describe('the store', () => {
  test('brings every version in the window as a copy of the whole database at that version would', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ writes: fc.array(write, { maxLength: 4 }), advance: fc.integer({ min: 0, max: 3 }) }), {
          maxLength: 30,
          size: 'max',
        }),
        fc.integer({ min: 1, max: 12 }),
        fc.record({ key, orEqual: fc.boolean(), offset: fc.integer({ min: -4, max: 5 }) }),
        fc.tuple(key, key, fc.integer({ min: 0, max: 4 }), fc.integer({ min: 0, max: 12 }), fc.boolean()),
        (commits, window, selector, [begin, end, items, size, reverse]) => {
          const store = new Store();
          const states: DatabaseModel[] = [new DatabaseModel()];
          let version = 1;
          for (const { writes, advance } of commits) {
            version += advance;
            // States of versions without a commit are those of the version before.
            while (states.length <= version) states.push((states.at(-1) ?? new DatabaseModel()).copy());
            const state = states[version] ?? new DatabaseModel();
            for (const step of writes) {
              if (step.kind === 'clear-range') {
                store.clearRange(step.key, step.end, version);
                state.clearRange(step.key, step.end);
              } else if (step.kind === 'clear') {
                store.set(step.key, undefined, version);
                state.clear(step.key);
              } else {
                store.set(step.key, bytes(step.value), version);
                state.set(step.key, step.value);
              }
            }
            const oldest = Math.max(0, version - window);
            store.prune(oldest);
            for (let at = oldest; at <= version; at++) {
              const model = states[at] ?? new DatabaseModel();
              const all = store.range('', '\xff', UNBOUND, false, at);
              expect(all.items.map((item) => [item.key, text(item.value)])).toEqual(model.keys().map((name) => [name, model.get(name)]));
              expect(all.more).toBe(false);
            }
            const now = states[version] ?? new DatabaseModel();
            expect(store.resolve(selector, version)).toBe(now.getKey({ ...selector, key: bytes(selector.key) }));
            const part = store.range(begin, end, { items, bytes: size }, reverse, version);
            const expected: string[] = [];
            let [brought, more] = [0, false];
            for (const item of now.getRange(begin, end, 0, reverse)) {
              expected.push(text(item.key));
              brought += item.key.length + item.value.length;
              more = (items > 0 && expected.length >= items) || (size > 0 && brought >= size);
              if (more) break;
            }
            expect(part.items.map((item) => item.key)).toEqual(expected);
            expect(part.more).toBe(more);
          }
        },
      ),
      { numRuns: 400, seed: 30_003 },
    );
  });

  test('holds no more than the window has, however often keys are written and cleared', () => {
    const store = new Store();
    for (let version = 1; version <= 200_000; version++) {
      store.set('hot', bytes(String(version)), version);
      store.set(`queue/${version}`, bytes('x'), version);
      if (version > 10) store.set(`queue/${version - 10}`, undefined, version);
      store.prune(version - 1_000);
    }
    expect(store.size).toBeLessThan(1_100);
    expect(text(store.get('hot', 199_500) ?? bytes(''))).toBe('199500');
    expect(store.range('queue/', 'queue0', UNBOUND, false, 200_000).items.length).toBe(10);
  });
});
