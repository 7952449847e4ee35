/** Keys and values, key selectors and range reads. */
import { describe, expect } from 'vitest';
import { type Bytes, type KeySelector, type StreamingMode, databaseErrorCode as code, keySelector, transact } from '../../ports.js';
import { bytes, text } from '../database-model.js';
import { b, END, fails, keysOf, little, plain, type Promised } from './promised.js';

export function readPromises(promise: Promised): void {
  describe('keys and values', () => {
    promise('an absent key reads as undefined', async ({ begin }) => {
      expect(await begin().get(b('nothing'))).toBeUndefined();
    });

    promise('what was committed is read by later transactions, byte for byte', async ({ begin }) => {
      const cases: readonly (readonly [Bytes, Bytes])[] = [
        [new Uint8Array(0), b('the empty key')],
        [bytes('\x00'), new Uint8Array(0)],
        [bytes('\x00\x00'), bytes('\x00\xff\x00')],
        [bytes('a\x00b'), bytes('\xff')],
        [bytes('\xfe\xff\xff'), new Uint8Array(100_000).fill(7)],
      ];
      const writer = begin();
      for (const [key, value] of cases) writer.set(key, value);
      await writer.commit();
      const reader = begin();
      for (const [key, value] of cases) expect(text((await reader.get(key)) ?? b('absent'))).toBe(text(value));
      expect(keysOf(await reader.getRange(new Uint8Array(0), END))).toEqual(cases.map(([key]) => text(key)));
    });

    // A Buffer is a Uint8Array whose `slice` shares its bytes: a copy by `slice` would be none.
    for (const [kind, make] of [
      ['plain bytes', b],
      ['Buffers', (value: string): Bytes => Buffer.from(value)],
    ] as const) {
      promise(`${kind} are copied on their way in and out`, async ({ begin }) => {
        const own = [make('key'), make('value'), make('c'), make('d'), make('sum'), make('1')] as const;
        const [key, value, from, to, sum, operand] = own;
        const writer = begin();
        writer.set(key, value);
        writer.clearRange(from, to);
        writer.atomic('append-if-fits', sum, operand);
        for (const bytesOfCaller of own) bytesOfCaller.fill(0);
        await writer.commit();
        const reader = begin();
        const first = await reader.get(make('key'));
        expect(text(first ?? b(''))).toBe('value');
        first?.fill(0);
        const range = await reader.getRange(make('a'), make('z'));
        expect(plain(range)).toEqual([
          ['key', 'value'],
          ['sum', '1'],
        ]);
        for (const item of range.items) item.value.fill(0);
        expect(text((await reader.get(make('key'))) ?? b(''))).toBe('value');
      });
    }

    promise('keys of every legal length are ordered as unsigned bytes', async ({ begin, database }) => {
      const lengths = [0, 1, 2, 500, 1900, 1979, 3899, 3900, 3901, 3902, 4027, 8000, 9_999, 10_000];
      const made = new Set<string>();
      for (const length of lengths) {
        made.add('k'.repeat(length));
        if (length > 0) for (const last of ['\x00', '\x01', 'j', 'l', '\xff']) made.add('k'.repeat(length - 1) + last);
      }
      const expected = [...made].sort((x, y) => (x < y ? -1 : 1));
      expected.splice(expected.indexOf('\xff'), 1);
      await transact(database, async (tx) => {
        for (const [i, key] of [...expected].reverse().entries()) tx.set(bytes(key), little(i, 4));
      });
      const reader = begin();
      expect(keysOf(await reader.getRange(new Uint8Array(0), END))).toEqual(expected);
      expect(keysOf(await reader.getRange(new Uint8Array(0), END, { reverse: true }))).toEqual([...expected].reverse());
      for (const [i, key] of expected.entries()) {
        expect(text(await reader.getKey(keySelector.firstGreaterThan(bytes(key))))).toBe(expected[i + 1] ?? '\xff');
        expect(text(await reader.getKey(keySelector.lastLessThan(bytes(key))))).toBe(expected[i - 1] ?? '');
      }
      await transact(database, async (tx) => {
        for (const [i, key] of expected.entries()) if (i % 2 === 0) tx.clear(bytes(key));
      });
      const rest = expected.filter((_, i) => i % 2 === 1);
      expect(keysOf(await begin().getRange(new Uint8Array(0), END))).toEqual(rest);
    });
  });

  describe('key selectors', () => {
    promise('each names its key, and clamps to the empty key and to 0xFF', async ({ begin, put }) => {
      await put({ b: '1', d: '1', f: '1' });
      const tx = begin();
      const at = async (selector: KeySelector, by = 0) => text(await tx.getKey({ ...selector, offset: selector.offset + by }));
      expect(await at(keySelector.lastLessThan(b('d')))).toBe('b');
      expect(await at(keySelector.lastLessOrEqual(b('d')))).toBe('d');
      expect(await at(keySelector.firstGreaterOrEqual(b('d')))).toBe('d');
      expect(await at(keySelector.firstGreaterThan(b('d')))).toBe('f');
      expect(await at(keySelector.firstGreaterOrEqual(b('c')))).toBe('d');
      expect(await at(keySelector.firstGreaterThan(b('c')))).toBe('d');
      expect(await at(keySelector.lastLessOrEqual(b('c')))).toBe('b');
      expect(await at(keySelector.firstGreaterOrEqual(b('a')), 2)).toBe('f');
      expect(await at(keySelector.firstGreaterOrEqual(b('a')), 3)).toBe('\xff');
      expect(await at(keySelector.firstGreaterOrEqual(b('a')), 1000)).toBe('\xff');
      expect(await at(keySelector.lastLessThan(b('b')))).toBe('');
      expect(await at(keySelector.firstGreaterOrEqual(b('f')), -1000)).toBe('');
      expect(await at(keySelector.firstGreaterOrEqual(END))).toBe('\xff');
      expect(await at(keySelector.lastLessThan(END))).toBe('f');
    });

    promise('a range may be given by selectors', async ({ begin, put }) => {
      await put({ a: '1', b: '1', c: '1', d: '1', e: '1' });
      const tx = begin();
      const from = { ...keySelector.firstGreaterOrEqual(b('a')), offset: 2 };
      expect(keysOf(await tx.getRange(from, keySelector.firstGreaterThan(b('d'))))).toEqual(['b', 'c', 'd']);
      expect(keysOf(await tx.getRange(b('b'), keySelector.lastLessThan(END)))).toEqual(['b', 'c', 'd']);
      expect(keysOf(await tx.getRange(keySelector.firstGreaterThan(b('d')), keySelector.firstGreaterOrEqual(b('b'))))).toEqual([]);
    });

    promise('they see the transaction’s own writes', async ({ begin, put }) => {
      await put({ a: '1', c: '1', e: '1' });
      const tx = begin();
      tx.set(b('b'), b('1'));
      tx.clearRange(b('c'), b('d'));
      expect(text(await tx.getKey(keySelector.firstGreaterThan(b('a'))))).toBe('b');
      expect(text(await tx.getKey(keySelector.firstGreaterThan(b('b'))))).toBe('e');
      expect(text(await tx.getKey({ ...keySelector.firstGreaterOrEqual(b('a')), offset: 3 }))).toBe('e');
      expect(text(await tx.getKey({ ...keySelector.lastLessThan(b('z')), offset: -1 }))).toBe('b');
      expect(text(await tx.getKey({ ...keySelector.lastLessThan(b('z')), offset: -3 }))).toBe('');
    });
  });

  describe('range reads', () => {
    const many = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`k${String(i).padStart(4, '0')}`, 'v'.repeat(i % 50)]));

    promise('a limit cuts and says that there may be more', async ({ begin, put }) => {
      await put({ a: '1', b: '1', c: '1' });
      const tx = begin();
      const cut = await tx.getRange(b('a'), b('z'), { limit: 2 });
      expect(keysOf(cut)).toEqual(['a', 'b']);
      expect(cut.more).toBe(true);
      const whole = await tx.getRange(b('a'), b('z'), { limit: 4 });
      expect(keysOf(whole)).toEqual(['a', 'b', 'c']);
      expect(whole.more).toBe(false);
      expect(keysOf(await tx.getRange(b('a'), b('z'), { limit: 0 }))).toEqual(['a', 'b', 'c']);
      expect(keysOf(await tx.getRange(b('a'), b('z'), { limit: 2, reverse: true }))).toEqual(['c', 'b']);
    });

    promise('want-all reads to the end', async ({ begin, put }) => {
      await put(many);
      const all = await begin().getRange(b('k'), b('l'), { mode: 'want-all' });
      expect(Object.fromEntries(plain(all))).toEqual(many);
      expect(all.more).toBe(false);
    });

    const modes: readonly StreamingMode[] = ['want-all', 'iterator', 'small', 'medium', 'large', 'serial'];
    for (const reverse of [false, true]) {
      promise(`every mode brings everything ${reverse ? 'backwards ' : ''}when asked often enough`, async ({ begin, put }) => {
        await put(many);
        const expected = reverse ? Object.keys(many).reverse() : Object.keys(many);
        const tx = begin();
        for (const mode of modes) {
          const seen: string[] = [];
          let [begins, ends] = [keySelector.firstGreaterOrEqual(b('k')), keySelector.firstGreaterOrEqual(b('l'))];
          for (let iteration = 1; iteration <= 301; iteration++) {
            const part = await tx.getRange(begins, ends, { mode, iteration, reverse });
            seen.push(...keysOf(part));
            if (!part.more) break;
            const last = part.items.at(-1);
            if (last === undefined) expect.fail(`mode ${mode} brought nothing and said there is more`);
            if (reverse) ends = keySelector.firstGreaterOrEqual(last.key);
            else begins = keySelector.firstGreaterThan(last.key);
          }
          expect(seen, mode).toEqual(expected);
        }
      });
    }

    promise('exact brings its limit, and is refused without one', async ({ begin, put }) => {
      await put(many);
      const tx = begin();
      expect(keysOf(await tx.getRange(b('k'), b('l'), { mode: 'exact', limit: 123 }))).toEqual(Object.keys(many).slice(0, 123));
      await fails(code.exactModeWithoutLimits, () => begin().getRange(b('k'), b('l'), { mode: 'exact' }));
    });

    promise('an empty or inverted range is empty', async ({ begin, put }) => {
      await put({ a: '1', b: '1' });
      const tx = begin();
      expect(await tx.getRange(b('a'), b('a'))).toEqual({ items: [], more: false });
      expect(await tx.getRange(b('c'), b('a'))).toEqual({ items: [], more: false });
    });
  });
}
