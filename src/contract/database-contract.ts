/**
 * What every `Database` must do, whoever implements it: the embedded store, FoundationDB itself, the simulated one. The rules
 * are FoundationDB's (its developer guide and API reference). The last part runs random transactions at once and demands that
 * they equal some order of running them alone that respects real time, judged by the model in `database-model.ts`.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type AtomicOperation,
  type Bytes,
  type Clock,
  type Database,
  DatabaseError,
  databaseErrorCode as code,
  type KeySelector,
  keySelector,
  type RangeResult,
  type ReadTransaction,
  type StreamingMode,
  type Transaction,
  type TransactionOptions,
  transact,
} from '../ports.js';
import { applyAtomic, bytes, DatabaseModel, text } from './database-model.js';

/** One database of a test, empty when made. */
export interface DatabaseUnderTest {
  readonly database: Database;
  /** The clock that the database lives by: real time for a real one, simulated time for a simulated one. */
  readonly clock: Clock;
  /** Runs the body to its end; a simulated implementation drives its kernel meanwhile. */
  run<T>(body: () => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export interface DatabaseContractOptions {
  make(): Promise<DatabaseUnderTest>;
  /** Rounds of random concurrent transactions; each has about 16 transactions. */
  readonly historyRounds?: number;
  /** Longest time of one test in host milliseconds. */
  readonly testMillisMax?: number;
}

const SECOND = 1_000_000;
const utf8 = new TextEncoder();

/** Text as bytes. */
const b = (value: string): Bytes => utf8.encode(value);
const END = bytes('\xff');

interface Tools {
  readonly database: Database;
  readonly clock: Clock;
  /** The whole content, read in one transaction. */
  dump(): Promise<readonly (readonly [string, string])[]>;
  put(items: Readonly<Record<string, string>>): Promise<void>;
  begin(options?: TransactionOptions): Transaction;
}

function tools(under: DatabaseUnderTest): Tools {
  const { database, clock } = under;
  return {
    database,
    clock,
    dump: () => transact(database, async (tx) => plain(await tx.getRange(new Uint8Array(0), END))),
    put: (items) =>
      transact(database, async (tx) => {
        for (const [key, value] of Object.entries(items)) tx.set(b(key), b(value));
      }),
    begin: (options) => database.transaction(options),
  };
}

const plain = (range: RangeResult): (readonly [string, string])[] => range.items.map(({ key, value }) => [text(key), text(value)]);
const keysOf = (range: RangeResult): string[] => range.items.map(({ key }) => text(key));

/** A body that must fail with this code, wherever in it the failure shows: a bound C client tells some of them only at commit. */
async function fails(expected: number, body: () => unknown): Promise<void> {
  try {
    await body();
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error;
    expect(error.code, error.message).toBe(expected);
    return;
  }
  expect.fail(`expected DatabaseError ${expected}, but nothing failed`);
}

/** Little-endian integer. */
function little(value: number, length: number): Bytes {
  const result = new Uint8Array(length);
  for (let i = 0, rest = value; i < length; i++, rest = Math.floor(rest / 256)) result[i] = rest % 256;
  return result;
}

/** A key or value with a place for a versionstamp and the trailer that tells where it is. */
function stamped(before: string, after: string): Bytes {
  return new Uint8Array([...b(before), ...new Uint8Array(10), ...b(after), ...little(b(before).length, 4)]);
}

/** The contract; call it at the top of a test file. */
export function databaseContract(name: string, options: DatabaseContractOptions): void {
  const timeout = options.testMillisMax ?? 20_000;

  const promise = (title: string, body: (tools: Tools) => Promise<void>): void => {
    test(title, { timeout }, async () => {
      const under = await options.make();
      try {
        await under.run(() => body(tools(under)));
      } finally {
        await under.close();
      }
    });
  };

  describe(`${name} keeps the Database contract`, () => {
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

    describe('isolation', () => {
      promise('a transaction reads its own writes', async ({ begin, put }) => {
        await put({ a: '1', b: '2', c: '3', d: '4' });
        const tx = begin();
        tx.set(b('b'), b('mine'));
        tx.clear(b('c'));
        tx.set(b('bb'), b('new'));
        expect(text((await tx.get(b('b'))) ?? b('absent'))).toBe('mine');
        expect(await tx.get(b('c'))).toBeUndefined();
        const mine = [
          ['a', '1'],
          ['b', 'mine'],
          ['bb', 'new'],
          ['d', '4'],
        ];
        expect(plain(await tx.getRange(b('a'), b('z')))).toEqual(mine);
        expect(plain(await tx.snapshot.getRange(b('a'), b('z')))).toEqual(mine);
        expect(text(await tx.getKey(keySelector.firstGreaterThan(b('bb'))))).toBe('d');
        tx.clearRange(b('a'), b('c'));
        expect(plain(await tx.getRange(b('a'), b('z')))).toEqual([['d', '4']]);
        tx.set(b('b'), b('again'));
        expect(plain(await tx.getRange(b('a'), b('z'), { reverse: true }))).toEqual([
          ['d', '4'],
          ['b', 'again'],
        ]);
      });

      promise('nobody else sees a write before its commit, and then all of them at once', async ({ begin, dump }) => {
        const writer = begin();
        writer.set(b('x'), b('1'));
        writer.set(b('y'), b('1'));
        await writer.get(b('z'));
        expect(await dump()).toEqual([]);
        await writer.commit();
        expect(await dump()).toEqual([
          ['x', '1'],
          ['y', '1'],
        ]);
      });

      promise('reads stay at the read version while others commit', async ({ begin, put, database }) => {
        await put({ a: '1', b: '1', gone: '1' });
        const old = begin();
        expect(text((await old.get(b('a'))) ?? b(''))).toBe('1');
        await transact(database, async (tx) => {
          tx.set(b('a'), b('2'));
          tx.set(b('b'), b('2'));
          tx.set(b('aa'), b('2'));
          tx.clear(b('gone'));
        });
        expect(text((await old.get(b('b'))) ?? b(''))).toBe('1');
        expect(text((await old.snapshot.get(b('gone'))) ?? b(''))).toBe('1');
        expect(plain(await old.getRange(b('a'), b('z')))).toEqual([
          ['a', '1'],
          ['b', '1'],
          ['gone', '1'],
        ]);
        expect(text(await old.getKey(keySelector.firstGreaterThan(b('a'))))).toBe('b');
      });

      promise('a transaction that begins after a commit was acknowledged sees it', async ({ begin, database }) => {
        for (let i = 0; i < 20; i++) {
          const writer = begin();
          writer.set(b('n'), little(i, 4));
          await writer.commit();
          const reader = database.transaction();
          expect(await reader.getReadVersion()).toBeGreaterThanOrEqual(writer.committedVersion());
          expect(await reader.get(b('n'))).toEqual(little(i, 4));
        }
      });

      promise('committed versions grow', async ({ begin }) => {
        let last = 0;
        for (let i = 0; i < 5; i++) {
          const tx = begin();
          tx.set(b('n'), little(i, 4));
          await tx.commit();
          expect(tx.committedVersion()).toBeGreaterThan(last);
          last = tx.committedVersion();
        }
      });

      promise('a read version may be given, as long as it is not too old', async ({ begin, put }) => {
        await put({ a: 'old' });
        const first = begin();
        const version = await first.getReadVersion();
        await put({ a: 'new' });
        const second = begin();
        second.setReadVersion(version);
        expect(await second.getReadVersion()).toBe(version);
        expect(text((await second.get(b('a'))) ?? b(''))).toBe('old');
        expect(text((await begin().get(b('a'))) ?? b(''))).toBe('new');
      });

      promise('a read version from the future is 1009', async ({ begin, put }) => {
        await put({ a: '1' });
        const tx = begin();
        tx.setReadVersion((await begin().getReadVersion()) + 1_000_000_000_000);
        await fails(code.futureVersion, () => tx.get(b('a')));
      });
    });

    describe('conflicts', () => {
      /** Reads by one transaction, then a write by another, then a write and the commit of the first. */
      const conflict = (
        title: string,
        expected: 'conflict' | 'commit',
        read: (tx: Transaction) => unknown,
        write: (tx: Transaction) => unknown,
        own: (tx: Transaction) => void = (tx) => tx.set(b('own'), b('1')),
      ): void => {
        promise(`${expected === 'conflict' ? '1020' : 'no conflict'}: ${title}`, async ({ begin, put, dump }) => {
          await put({ a: '1', c: '1', e: '1', g: '1' });
          const tx = begin();
          await tx.getReadVersion();
          await read(tx);
          const other = begin();
          await write(other);
          await other.commit();
          own(tx);
          const before = await dump();
          if (expected === 'commit') {
            await tx.commit();
          } else {
            await fails(code.notCommitted, () => tx.commit());
            expect(await dump()).toEqual(before);
          }
        });
      };
      const set = (key: string) => (tx: Transaction) => tx.set(b(key), b('2'));

      conflict('a key that was read is set', 'conflict', (tx) => tx.get(b('c')), set('c'));
      conflict(
        'a key that was read is set to the value it had',
        'conflict',
        (tx) => tx.get(b('c')),
        (tx) => tx.set(b('c'), b('1')),
      );
      conflict(
        'a key that was read is cleared',
        'conflict',
        (tx) => tx.get(b('c')),
        (tx) => tx.clear(b('c')),
      );
      conflict(
        'a key that was read is in a cleared range',
        'conflict',
        (tx) => tx.get(b('c')),
        (tx) => tx.clearRange(b('b'), b('d')),
      );
      conflict(
        'a key that was read is changed by an atomic operation',
        'conflict',
        (tx) => tx.get(b('c')),
        (tx) => tx.atomic('add', b('c'), little(1, 1)),
      );
      conflict('a key that was read as absent is inserted', 'conflict', (tx) => tx.get(b('b')), set('b'));
      conflict('another key is set', 'commit', (tx) => tx.get(b('c')), set('d'));
      conflict(
        'a cleared range ends at the key that was read',
        'commit',
        (tx) => tx.get(b('c')),
        (tx) => tx.clearRange(b('b'), b('c')),
      );
      conflict('a key is inserted into a range that was read', 'conflict', (tx) => tx.getRange(b('b'), b('f')), set('d'));
      conflict(
        'a key is cleared in a range that was read',
        'conflict',
        (tx) => tx.getRange(b('b'), b('f')),
        (tx) => tx.clear(b('c')),
      );
      conflict('a key is inserted into an empty range that was read', 'conflict', (tx) => tx.getRange(b('h'), b('j')), set('i'));
      conflict('a key is set at the end of a range that was read', 'commit', (tx) => tx.getRange(b('b'), b('e')), set('e'));
      conflict('a key is set before a range that was read', 'commit', (tx) => tx.getRange(b('b'), b('e')), set('a'));
      conflict(
        'a range read to its limit is changed after its last item',
        'commit',
        (tx) => tx.getRange(b('a'), b('z'), { limit: 2 }),
        set('e'),
      );
      conflict(
        'a range read to its limit is changed before its last item',
        'conflict',
        (tx) => tx.getRange(b('a'), b('z'), { limit: 2 }),
        set('b'),
      );
      conflict(
        'a range read backwards to its limit is changed before its last item',
        'commit',
        (tx) => tx.getRange(b('a'), b('z'), { limit: 2, reverse: true }),
        set('c'),
      );
      conflict(
        'a range read backwards to its limit is changed after its last item',
        'conflict',
        (tx) => tx.getRange(b('a'), b('z'), { limit: 2, reverse: true }),
        set('f'),
      );
      conflict(
        'a key is inserted between a selector and the key it named',
        'conflict',
        (tx) => tx.getKey(keySelector.firstGreaterOrEqual(b('b'))),
        set('bb'),
      );
      conflict(
        'a key is inserted beyond the key that a selector named',
        'commit',
        (tx) => tx.getKey(keySelector.firstGreaterOrEqual(b('b'))),
        set('d'),
      );
      conflict(
        'a key is inserted between a backward selector and the key it named',
        'conflict',
        (tx) => tx.getKey(keySelector.lastLessThan(b('e'))),
        set('d'),
      );
      conflict('a snapshot read is changed', 'commit', (tx) => tx.snapshot.get(b('c')), set('c'));
      conflict('a range of a snapshot read is changed', 'commit', (tx) => tx.snapshot.getRange(b('a'), b('z')), set('d'));
      conflict(
        'a selector of a snapshot read is changed',
        'commit',
        (tx) => tx.snapshot.getKey(keySelector.firstGreaterThan(b('a'))),
        set('b'),
      );
      conflict('a key that is written without being read is changed', 'commit', () => undefined, set('own'));
      conflict(
        'a key that was set before it was read is changed',
        'commit',
        (tx) => {
          tx.set(b('c'), b('mine'));
          return tx.get(b('c'));
        },
        set('c'),
      );
      conflict(
        'a key that was cleared before it was read is changed',
        'commit',
        (tx) => {
          tx.clear(b('c'));
          return tx.get(b('c'));
        },
        set('c'),
      );
      conflict(
        'a key that was read after an atomic operation on it is changed',
        'conflict',
        (tx) => {
          tx.atomic('add', b('c'), little(1, 1));
          return tx.get(b('c'));
        },
        set('c'),
      );
      conflict('an added read conflict range is written', 'conflict', (tx) => tx.addReadConflictRange(b('x'), b('y')), set('x5'));
      conflict('the end of an added read conflict range is written', 'commit', (tx) => tx.addReadConflictRange(b('x'), b('y')), set('y'));
      conflict(
        'an added write conflict range covers what was read',
        'conflict',
        (tx) => tx.get(b('x5')),
        (tx) => tx.addWriteConflictRange(b('x'), b('y')),
      );
      conflict(
        'an added write conflict range ends at what was read',
        'commit',
        (tx) => tx.get(b('y')),
        (tx) => tx.addWriteConflictRange(b('x'), b('y')),
      );
      conflict(
        'a transaction that wrote nothing read what another changed',
        'commit',
        (tx) => tx.getRange(b('a'), b('z')),
        set('c'),
        () => undefined,
      );
      conflict(
        'two atomic operations meet on one key',
        'commit',
        (tx) => tx.atomic('add', b('sum'), little(1, 1)),
        (tx) => tx.atomic('add', b('sum'), little(1, 1)),
      );
      conflict(
        'a read that began after the write',
        'commit',
        () => undefined,
        set('c'),
        (tx) => tx.set(b('own'), b('1')),
      );

      promise('write skew cannot happen', async ({ begin, put }) => {
        await put({ x: '1', y: '1' });
        const [first, second] = [begin(), begin()];
        await Promise.all([first.get(b('x')), first.get(b('y')), second.get(b('x')), second.get(b('y'))]);
        first.set(b('x'), b('0'));
        second.set(b('y'), b('0'));
        const results = await Promise.allSettled([first.commit(), second.commit()]);
        expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
      });

      promise('the retry loop loses no update among many', async ({ database }) => {
        const [clients, rounds] = [8, 6];
        await Promise.all(
          Array.from({ length: clients }, async () => {
            for (let i = 0; i < rounds; i++) {
              await transact(database, async (tx) => {
                const now = (await tx.get(b('sum'))) ?? little(0, 4);
                tx.set(b('sum'), little((now[0] ?? 0) + 256 * (now[1] ?? 0) + 1, 4));
              });
            }
          }),
        );
        expect(await database.transaction().get(b('sum'))).toEqual(little(clients * rounds, 4));
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

    describe('atomic operations', () => {
      const operations: readonly AtomicOperation[] = [
        'add',
        'bit-and',
        'bit-or',
        'bit-xor',
        'append-if-fits',
        'max',
        'min',
        'byte-max',
        'byte-min',
        'compare-and-clear',
      ];
      const values: readonly (string | undefined)[] = [
        undefined,
        '',
        '\x01',
        '\xff',
        '\xff\xff',
        '\x00\x01',
        '\x05\x00\x01',
        '\x80\x7f\x00\x02',
      ];

      for (const operation of operations) {
        promise(`${operation} as FoundationDB defines it, committed and read back before commit`, async ({ begin, database }) => {
          const writer = begin();
          const checks: { readonly key: Bytes; readonly expected: string | undefined }[] = [];
          await transact(database, async (tx) => {
            for (const [i, value] of values.entries()) {
              for (const j of values.keys()) if (value !== undefined) tx.set(b(`${i}/${j}`), bytes(value));
            }
          });
          for (const [i, value] of values.entries()) {
            for (const [j, operand] of values.entries()) {
              if (operand === undefined) continue;
              const key = b(`${i}/${j}`);
              writer.atomic(operation, key, bytes(operand));
              checks.push({ key, expected: applyAtomic(operation, value, operand) });
            }
          }
          const compare = async (reader: ReadTransaction): Promise<void> => {
            for (const { key, expected } of checks) {
              const seen = await reader.get(key);
              expect(seen === undefined ? undefined : text(seen), `${operation} at ${text(key)}`).toBe(expected);
            }
          };
          await compare(writer);
          await writer.commit();
          await compare(begin());
        });
      }

      promise('they stack on own writes in order', async ({ begin }) => {
        const tx = begin();
        tx.set(b('n'), little(5, 2));
        tx.atomic('add', b('n'), little(10, 2));
        tx.atomic('max', b('n'), little(300, 2));
        tx.clear(b('m'));
        tx.atomic('add', b('m'), little(1, 2));
        tx.atomic('add', b('m'), little(1, 2));
        expect(await tx.get(b('n'))).toEqual(little(300, 2));
        await tx.commit();
        expect(await begin().get(b('n'))).toEqual(little(300, 2));
        expect(await begin().get(b('m'))).toEqual(little(2, 2));
      });

      promise('concurrent ones all count', async ({ begin }) => {
        const all = Array.from({ length: 20 }, () => begin());
        await Promise.all(all.map((tx) => tx.getReadVersion()));
        await Promise.all(
          all.map((tx) => {
            tx.atomic('add', b('sum'), little(1, 8));
            return tx.commit();
          }),
        );
        expect(await begin().get(b('sum'))).toEqual(little(20, 8));
      });

      promise('append-if-fits leaves the value when the whole would be too long', async ({ begin, put }) => {
        await put({ log: 'x'.repeat(99_999) });
        const tx = begin();
        tx.atomic('append-if-fits', b('log'), b('yy'));
        await tx.commit();
        expect((await begin().get(b('log')))?.length).toBe(99_999);
      });
    });

    describe('versionstamps', () => {
      promise('a stamped key and value carry the stamp of the commit', async ({ begin, dump }) => {
        const tx = begin();
        tx.atomic('set-versionstamped-key', stamped('k/', '/x'), b('by key'));
        tx.atomic('set-versionstamped-value', b('value'), stamped('v', ''));
        const promised = tx.versionstamp();
        await tx.commit();
        const stamp = await promised;
        expect(stamp.length).toBe(10);
        expect(new DataView(stamp.buffer, stamp.byteOffset).getBigUint64(0)).toBe(BigInt(tx.committedVersion()));
        expect(await dump()).toEqual([
          [`k/${text(stamp)}/x`, 'by key'],
          ['value', `v${text(stamp)}`],
        ]);
      });

      promise('stamps grow from commit to commit', async ({ begin }) => {
        const stamps: string[] = [];
        for (let i = 0; i < 10; i++) {
          const tx = begin();
          tx.set(b('n'), little(i, 2));
          const stamp = tx.versionstamp();
          await tx.commit();
          stamps.push(text(await stamp));
        }
        expect(stamps).toEqual([...new Set(stamps)].sort((x, y) => (x < y ? -1 : 1)));
      });

      promise('stamped keys of concurrent commits are all kept', async ({ begin, dump }) => {
        await Promise.all(
          Array.from({ length: 10 }, () => {
            const tx = begin();
            tx.atomic('set-versionstamped-key', stamped('q/', ''), b('1'));
            return tx.commit();
          }),
        );
        expect((await dump()).length).toBe(10);
      });

      promise('what waits for its stamp cannot be read: 1036', async ({ begin }) => {
        const tx = begin();
        tx.atomic('set-versionstamped-value', b('value'), stamped('', ''));
        tx.atomic('set-versionstamped-key', stamped('k/', ''), b('1'));
        await fails(code.accessedUnreadable, () => tx.get(b('value')));
        await fails(code.accessedUnreadable, () => tx.getRange(b('k/'), b('k0')));
        expect(await tx.get(b('other'))).toBeUndefined();
        await tx.commit();
        expect((await begin().getRange(b('k/'), b('k0'))).items.length).toBe(1);
      });

      promise('a place outside the bytes is 2000', async ({ begin, dump }) => {
        const bad = new Uint8Array([...b('short'), ...little(0, 4)]);
        const beyond = new Uint8Array([...b('0123456789'), ...little(1, 4)]);
        for (const wrong of [bad, beyond, little(1, 3)]) {
          await fails(code.clientInvalidOperation, () => {
            const tx = begin();
            tx.atomic('set-versionstamped-key', wrong, b('1'));
            return tx.commit();
          });
          await fails(code.clientInvalidOperation, () => {
            const tx = begin();
            tx.atomic('set-versionstamped-value', b('value'), wrong);
            return tx.commit();
          });
        }
        expect(await dump()).toEqual([]);
      });

      promise('a read-only transaction has none', async ({ begin }) => {
        const tx = begin();
        await tx.get(b('a'));
        const stamp = tx.versionstamp();
        stamp.catch(() => undefined);
        await tx.commit();
        await expect(stamp).rejects.toBeInstanceOf(DatabaseError);
      });
    });

    describe('watches', () => {
      /** True when the watch has fired within a second. */
      const fired = async (clock: Clock, changed: Promise<void>): Promise<boolean> => {
        let seen = false;
        changed.then(
          () => {
            seen = true;
          },
          () => undefined,
        );
        for (let i = 0; i < 100 && !seen; i++) await clock.sleep(SECOND / 100);
        return seen;
      };
      const watchOn = async (begin: () => Transaction, key: string) => {
        const tx = begin();
        const watch = tx.watch(b(key));
        watch.changed.catch(() => undefined);
        await tx.commit();
        return watch;
      };

      promise('a change by another transaction fires it', async ({ begin, put, clock }) => {
        await put({ a: '1' });
        const present = await watchOn(begin, 'a');
        const absent = await watchOn(begin, 'b');
        await put({ a: '2' });
        expect(await fired(clock, present.changed)).toBe(true);
        await put({ b: '1' });
        expect(await fired(clock, absent.changed)).toBe(true);
      });

      promise('a clear fires it', async ({ begin, put, clock, database }) => {
        await put({ a: '1' });
        const watch = await watchOn(begin, 'a');
        await transact(database, async (tx) => tx.clearRange(b('a'), b('c')));
        expect(await fired(clock, watch.changed)).toBe(true);
      });

      promise('a change of another key does not', async ({ begin, put, clock }) => {
        await put({ a: '1' });
        const watch = await watchOn(begin, 'a');
        await put({ b: '2', aa: '2' });
        expect(await fired(clock, watch.changed)).toBe(false);
        watch.cancel();
      });

      promise('it fires for a change between the read version and the commit', async ({ begin, put, clock }) => {
        await put({ a: '1' });
        const tx = begin();
        await tx.snapshot.get(b('a'));
        const watch = tx.watch(b('a'));
        await put({ a: '2' });
        await tx.commit();
        expect(await fired(clock, watch.changed)).toBe(true);
      });

      promise('it compares with the value that its own transaction wrote', async ({ begin, put, clock }) => {
        const tx = begin();
        tx.set(b('a'), b('mine'));
        const watch = tx.watch(b('a'));
        watch.changed.catch(() => undefined);
        await tx.commit();
        expect(await fired(clock, watch.changed)).toBe(false);
        await put({ a: 'theirs' });
        expect(await fired(clock, watch.changed)).toBe(true);
      });

      promise('cancelled it rejects with 1101', async ({ begin }) => {
        const watch = await watchOn(begin, 'a');
        watch.cancel();
        await fails(code.operationCancelled, () => watch.changed);
        watch.cancel();
      });

      promise('it never becomes active when its transaction does not commit', async ({ begin, put }) => {
        await put({ a: '1' });
        const tx = begin();
        const watch = tx.watch(b('b'));
        const failed = watch.changed.then(
          () => 'fired',
          (error: unknown) => (error instanceof DatabaseError ? 'rejected' : 'another error'),
        );
        await tx.get(b('a'));
        await put({ a: '2' });
        tx.set(b('c'), b('1'));
        await fails(code.notCommitted, () => tx.commit());
        tx.reset();
        expect(await failed).toBe('rejected');
      });
    });

    describe('limits', () => {
      const refused = (
        title: string,
        expected: number,
        body: (tx: Transaction) => unknown,
        transactionOptions?: TransactionOptions,
      ): void => {
        promise(`${expected}: ${title}`, async ({ begin, dump, put }) => {
          await put({ kept: '1' });
          const before = await dump();
          await fails(expected, async () => {
            const tx = begin(transactionOptions);
            tx.set(b('half'), b('done'));
            await body(tx);
            await tx.commit();
          });
          expect(await dump(), 'a refused transaction leaves nothing').toEqual(before);
        });
      };
      const key = (length: number) => new Uint8Array(length).fill(0x6b);

      refused('a key above 10,000 bytes is set', code.keyTooLarge, (tx) => tx.set(key(10_001), b('1')));
      refused('an atomic operation on a key above 10,000 bytes', code.keyTooLarge, (tx) => tx.atomic('add', key(10_001), b('1')));
      refused('a value above 100,000 bytes', code.valueTooLarge, (tx) => tx.set(b('a'), new Uint8Array(100_001)));
      refused('an operand above 100,000 bytes', code.valueTooLarge, (tx) => tx.atomic('add', b('a'), new Uint8Array(100_001)));
      refused('a transaction above its size limit', code.transactionTooLarge, (tx) => tx.set(b('a'), new Uint8Array(2_000)), {
        sizeLimit: 1_000,
      });
      refused('a transaction above 10,000,000 bytes', code.transactionTooLarge, (tx) => {
        for (let i = 0; i < 101; i++) tx.set(b(`a${i}`), new Uint8Array(99_999));
      });
      refused('a key from 0xFF on is set', code.keyOutsideLegalRange, (tx) => tx.set(bytes('\xff'), b('1')));
      refused('a key from 0xFF on is cleared', code.keyOutsideLegalRange, (tx) => tx.clear(bytes('\xff\x01')));
      refused('a key from 0xFF on is read', code.keyOutsideLegalRange, (tx) => tx.get(bytes('\xff\x01')));
      refused('a range that ends beyond 0xFF is read', code.keyOutsideLegalRange, (tx) => tx.getRange(b('a'), bytes('\xff\x01')));
      refused('a range that ends beyond 0xFF is cleared', code.keyOutsideLegalRange, (tx) => tx.clearRange(b('a'), bytes('\xff\x01')));
      refused('a cleared range that is inverted', code.invertedRange, (tx) => tx.clearRange(b('b'), b('a')));
      refused('a read conflict range that is inverted', code.invertedRange, (tx) => tx.addReadConflictRange(b('b'), b('a')));
      refused('a write conflict range that is inverted', code.invertedRange, (tx) => tx.addWriteConflictRange(b('b'), b('a')));

      promise('keys of 10,000 and values of 100,000 bytes are accepted', async ({ begin }) => {
        const tx = begin();
        tx.set(key(10_000), new Uint8Array(100_000).fill(1));
        tx.clearRange(b('l'), END);
        await tx.commit();
        expect((await begin().get(key(10_000)))?.length).toBe(100_000);
      });
    });

    describe('life of a transaction', () => {
      promise('the committed version is known after commit only, and -1 when nothing was written', async ({ begin }) => {
        const writer = begin();
        writer.set(b('a'), b('1'));
        expect(() => writer.committedVersion()).toThrow();
        await writer.commit();
        expect(writer.committedVersion()).toBeGreaterThan(0);
        const reader = begin();
        await reader.get(b('a'));
        await reader.commit();
        expect(reader.committedVersion()).toBe(-1);
      });

      promise('after commit it is used up (2017) until it is reset', async ({ begin, dump }) => {
        const tx = begin();
        tx.set(b('a'), b('1'));
        await tx.commit();
        await fails(code.usedDuringCommit, () => tx.get(b('a')));
        await fails(code.usedDuringCommit, () => tx.commit());
        tx.reset();
        tx.set(b('b'), b('2'));
        await tx.commit();
        expect(await dump()).toEqual([
          ['a', '1'],
          ['b', '2'],
        ]);
      });

      promise('while it commits it cannot be used (2017)', async ({ begin, dump }) => {
        const tx = begin();
        tx.set(b('a'), b('1'));
        const committed = tx.commit();
        await fails(code.usedDuringCommit, () => tx.get(b('a')));
        await committed;
        expect(await dump()).toEqual([['a', '1']]);
      });

      promise('reset forgets reads and writes', async ({ begin, put, dump }) => {
        await put({ a: '1' });
        const tx = begin();
        await tx.get(b('a'));
        tx.set(b('b'), b('dropped'));
        await put({ a: '2' });
        tx.reset();
        expect(text((await tx.get(b('a'))) ?? b(''))).toBe('2');
        expect(await tx.get(b('b'))).toBeUndefined();
        tx.set(b('c'), b('1'));
        await tx.commit();
        expect(await dump()).toEqual([
          ['a', '2'],
          ['c', '1'],
        ]);
      });

      promise('a cancelled one fails with 1025, now and later, and writes nothing', async ({ begin, dump }) => {
        const tx = begin();
        tx.set(b('a'), b('1'));
        const pending = tx.get(b('b'));
        pending.catch(() => undefined);
        tx.cancel();
        await fails(code.transactionCancelled, () => tx.get(b('a')));
        await fails(code.transactionCancelled, () => tx.getRange(b('a'), b('b')));
        await fails(code.transactionCancelled, () => tx.commit());
        await fails(code.transactionCancelled, () => tx.onError(new DatabaseError(code.notCommitted, 'conflict')));
        expect(await dump()).toEqual([]);
      });

      promise('onError resets for a retryable error and throws any other again', async ({ begin }) => {
        for (const retryable of [
          code.transactionTooOld,
          code.futureVersion,
          code.notCommitted,
          code.commitUnknownResult,
          code.processBehind,
        ]) {
          const tx = begin();
          tx.set(b('a'), b('1'));
          await tx.onError(new DatabaseError(retryable, 'try again'));
          expect(await tx.get(b('a'))).toBeUndefined();
        }
        const tx = begin();
        await fails(code.keyTooLarge, () => tx.onError(new DatabaseError(code.keyTooLarge, 'a key')));
        const foreign = new TypeError('of the program');
        await expect(begin().onError(foreign)).rejects.toBe(foreign);
      });

      promise('onError backs off longer and longer, up to its bound', async ({ begin, clock }) => {
        const tx = begin({ retryDelayMicrosMax: 40_000 });
        const start = clock.monotonicMicros();
        for (let i = 0; i < 12; i++) await tx.onError(new DatabaseError(code.notCommitted, 'conflict'));
        expect(clock.monotonicMicros() - start).toBeLessThan(2 * SECOND);
      });

      promise('the retry limit bounds onError', async ({ begin }) => {
        const tx = begin({ retryLimit: 2 });
        await tx.onError(new DatabaseError(code.notCommitted, 'conflict'));
        await tx.onError(new DatabaseError(code.notCommitted, 'conflict'));
        await fails(code.notCommitted, () => tx.onError(new DatabaseError(code.notCommitted, 'conflict')));
      });

      promise('1031: the time-out counts over all tries', async ({ begin, clock }) => {
        const tx = begin({ timeoutMicros: SECOND / 5 });
        await tx.get(b('a'));
        await tx.onError(new DatabaseError(code.notCommitted, 'conflict'));
        await clock.sleep(SECOND / 2);
        await fails(code.transactionTimedOut, () => tx.get(b('a')));
        await fails(code.transactionTimedOut, () => tx.commit());
        await fails(code.transactionTimedOut, () => tx.onError(new DatabaseError(code.notCommitted, 'conflict')));
      });

      promise('1007: five seconds after its read version it is too old', async ({ begin, put, clock, dump }) => {
        await put({ a: '1' });
        const [reader, writer] = [begin(), begin()];
        await reader.get(b('a'));
        await writer.get(b('a'));
        writer.set(b('late'), b('1'));
        await clock.sleep(7 * SECOND);
        await put({ b: '1' });
        await fails(code.transactionTooOld, () => reader.get(b('a')));
        await fails(code.transactionTooOld, () => writer.commit());
        expect(await dump()).toEqual([
          ['a', '1'],
          ['b', '1'],
        ]);
      });

      promise('a closed database refuses with a code', async ({ begin, database, put }) => {
        await put({ a: '1' });
        const tx = begin();
        await tx.get(b('a'));
        const watching = begin();
        const watch = watching.watch(b('a'));
        await watching.commit();
        const watched = watch.changed.then(
          () => 'fired',
          () => 'rejected',
        );
        await database.close();
        expect(await watched).toBe('rejected');
        for (const use of [() => tx.get(b('b')), () => tx.commit(), async () => database.transaction().get(b('a'))]) {
          await expect(use()).rejects.toHaveProperty('code');
        }
        await database.close();
      });
    });

    describe('against the model', () => {
      test('random selectors and ranges over random own writes', { timeout }, async () => {
        const under = await options.make();
        try {
          await fc.assert(
            fc.asyncProperty(
              fc.array(arbitraryWrite, { maxLength: 12 }),
              fc.array(arbitraryWrite, { maxLength: 8 }),
              fc.array(arbitraryRead, { minLength: 1, maxLength: 8 }),
              (stored, own, reads) =>
                under.run(async () => {
                  const model = new DatabaseModel();
                  const setUp = under.database.transaction();
                  setUp.clearRange(new Uint8Array(0), END);
                  for (const step of stored) await perform(step, setUp, model);
                  await setUp.commit();
                  const tx = under.database.transaction();
                  for (const step of own) await perform(step, tx, model);
                  for (const step of reads) {
                    const [seen, expected] = await perform(step, tx, model);
                    expect(seen, JSON.stringify(step)).toEqual(expected);
                  }
                  await tx.commit();
                }),
            ),
            { numRuns: 60, seed: 20_001 },
          );
        } finally {
          await under.close();
        }
      });

      test('random concurrent transactions equal a serial order that respects real time', { timeout: timeout * 2 }, async () => {
        const under = await options.make();
        try {
          await fc.assert(
            fc.asyncProperty(fc.array(arbitraryClient, { minLength: 2, maxLength: 5 }), (clients) =>
              under.run(() => runHistory(under.database, clients)),
            ),
            { numRuns: options.historyRounds ?? 25, seed: 20_002 },
          );
        } finally {
          await under.close();
        }
      });
    });
  });
}

type Write =
  | { readonly do: 'set'; readonly key: string; readonly value: string }
  | { readonly do: 'clear'; readonly key: string }
  | { readonly do: 'clear-range'; readonly begin: string; readonly end: string }
  | { readonly do: 'atomic'; readonly operation: AtomicOperation; readonly key: string; readonly operand: string };

interface Point {
  readonly key: string;
  readonly orEqual: boolean;
  readonly offset: number;
}

type Read =
  | { readonly do: 'get'; readonly key: string; readonly snapshot: boolean }
  | { readonly do: 'get-key'; readonly at: Point; readonly snapshot: boolean }
  | {
      readonly do: 'get-range';
      readonly begin: Point;
      readonly end: Point;
      readonly limit: number;
      readonly reverse: boolean;
      readonly snapshot: boolean;
    };

type Step = Write | Read;

const arbitraryKey = fc.string({ unit: fc.constantFrom('\x00', 'a', 'b', '\xfe', '\xff'), maxLength: 3 }).filter((key) => key < '\xff');
const arbitraryValue = fc.string({ unit: fc.constantFrom('\x00', '\x01', '\x7f', '\xff'), maxLength: 3 });
const arbitraryPoint = fc.record({ key: arbitraryKey, orEqual: fc.boolean(), offset: fc.integer({ min: -4, max: 5 }) });
const snapshot = fc.boolean();

const arbitraryWrite: fc.Arbitrary<Write> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('set' as const), key: arbitraryKey, value: arbitraryValue }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('clear' as const), key: arbitraryKey }) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(arbitraryKey, arbitraryKey)
      .map(([x, y]) => ({ do: 'clear-range' as const, begin: x < y ? x : y, end: x < y ? y : x })),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('atomic' as const),
      operation: fc.constantFrom<AtomicOperation>('add', 'bit-xor', 'max', 'min', 'byte-max', 'append-if-fits', 'compare-and-clear'),
      key: arbitraryKey,
      operand: arbitraryValue,
    }),
  },
);

const arbitraryRead: fc.Arbitrary<Read> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('get' as const), key: arbitraryKey, snapshot }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('get-key' as const), at: arbitraryPoint, snapshot }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('get-range' as const),
      begin: arbitraryPoint,
      end: arbitraryPoint,
      limit: fc.integer({ min: 0, max: 4 }),
      reverse: fc.boolean(),
      snapshot,
    }),
  },
);

/** A client's transactions, one after the other. Written values are made unique by the history, so that a lost write shows. */
const arbitraryClient: fc.Arbitrary<readonly (readonly Step[])[]> = fc.array(
  fc.array(fc.oneof({ weight: 1, arbitrary: arbitraryWrite }, { weight: 1, arbitrary: arbitraryRead }), { minLength: 1, maxLength: 5 }),
  { minLength: 2, maxLength: 6 },
);

const selector = (point: Point): KeySelector => ({ key: bytes(point.key), orEqual: point.orEqual, offset: point.offset });

/** Does the step in both; a read gives what each saw, as plain values. */
async function perform(step: Step, tx: Transaction, model: DatabaseModel): Promise<readonly [unknown, unknown]> {
  return [await performReal(step, tx), performModel(step, model)];
}

async function performReal(step: Step, tx: Transaction): Promise<unknown> {
  switch (step.do) {
    case 'set':
      return tx.set(bytes(step.key), bytes(step.value));
    case 'clear':
      return tx.clear(bytes(step.key));
    case 'clear-range':
      return tx.clearRange(bytes(step.begin), bytes(step.end));
    case 'atomic':
      return tx.atomic(step.operation, bytes(step.key), bytes(step.operand));
    case 'get': {
      const value = await (step.snapshot ? tx.snapshot : tx).get(bytes(step.key));
      return value === undefined ? 'absent' : text(value);
    }
    case 'get-key':
      return text(await (step.snapshot ? tx.snapshot : tx).getKey(selector(step.at)));
    case 'get-range': {
      const { limit, reverse } = step;
      return plain(await (step.snapshot ? tx.snapshot : tx).getRange(selector(step.begin), selector(step.end), { limit, reverse }));
    }
  }
}

function performModel(step: Step, model: DatabaseModel): unknown {
  switch (step.do) {
    case 'set':
      return model.set(step.key, step.value);
    case 'clear':
      return model.clear(step.key);
    case 'clear-range':
      return model.clearRange(step.begin, step.end);
    case 'atomic':
      return model.atomic(step.operation, step.key, step.operand);
    case 'get':
      return model.get(step.key) ?? 'absent';
    case 'get-key':
      return model.getKey(selector(step.at));
    case 'get-range': {
      const [begin, end] = [model.getKey(selector(step.begin)), model.getKey(selector(step.end))];
      return model.getRange(begin, end, step.limit, step.reverse).map(({ key, value }) => [text(key), text(value)]);
    }
  }
}

interface Committed {
  readonly steps: readonly Step[];
  readonly seen: readonly unknown[];
  readonly readVersion: number;
  /** The stamp of the commit; undefined when nothing was written. */
  readonly stamp: string | undefined;
}

/** Whether a commit has something to write: clearing an empty range is nothing. */
const writes = (steps: readonly Step[]): boolean =>
  steps.some((step) => (step.do === 'clear-range' ? step.begin < step.end : !step.do.startsWith('get')));

async function runHistory(database: Database, clients: readonly (readonly (readonly Step[])[])[]): Promise<void> {
  await transact(database, async (tx) => tx.clearRange(new Uint8Array(0), END));
  const committed: Committed[] = [];
  let newestAcknowledged = 0;
  let writeNumber = 0;

  const runOne = async (steps: readonly Step[]): Promise<void> => {
    const unique = steps.map((step): Step => (step.do === 'set' ? { ...step, value: `${step.value}#${writeNumber++}` } : step));
    const tx = database.transaction({ retryLimit: 1_000 });
    for (;;) {
      const acknowledgedBefore = newestAcknowledged;
      try {
        const seen: unknown[] = [];
        const readVersion = await tx.getReadVersion();
        expect(readVersion, 'a read version older than an acknowledged commit').toBeGreaterThanOrEqual(acknowledgedBefore);
        for (const step of unique) seen.push(await performReal(step, tx));
        const stamp = writes(unique) ? tx.versionstamp() : undefined;
        stamp?.catch(() => undefined);
        await tx.commit();
        newestAcknowledged = Math.max(newestAcknowledged, tx.committedVersion());
        committed.push({ steps: unique, seen, readVersion, stamp: stamp === undefined ? undefined : text(await stamp) });
        return;
      } catch (error) {
        await tx.onError(error);
      }
    }
  };
  await Promise.all(
    clients.map(async (transactions) => {
      for (const steps of transactions) await runOne(steps);
    }),
  );

  const order = committed.filter((one) => one.stamp !== undefined).sort((x, y) => ((x.stamp ?? '') < (y.stamp ?? '') ? -1 : 1));
  expect(new Set(order.map(({ stamp }) => stamp)).size, 'two commits with one stamp').toBe(order.length);
  // The state after each commit, oldest first, to judge reads at a read version.
  const states: { readonly version: number; readonly state: DatabaseModel }[] = [{ version: -1, state: new DatabaseModel() }];
  const stateAt = (version: number): DatabaseModel => states.findLast((one) => one.version <= version)?.state ?? new DatabaseModel();
  for (const one of order) {
    const state = (states.at(-1)?.state ?? new DatabaseModel()).copy();
    judge(one, state.copy(), false);
    for (const step of one.steps) if (!step.do.startsWith('get')) performModel(step, state);
    states.push({ version: versionOf(one.stamp ?? ''), state });
  }
  for (const one of committed) judge(one, stateAt(one.readVersion).copy(), true);
  expect(await transact(database, async (tx) => plain(await tx.getRange(new Uint8Array(0), END)))).toEqual(
    (states.at(-1)?.state ?? new DatabaseModel()).getRange('', '\xff', 0, false).map(({ key, value }) => [text(key), text(value)]),
  );
}

const versionOf = (stamp: string): number => bytes(stamp.slice(0, 8)).reduce((sum, digit) => sum * 256 + digit, 0);

/** Runs the steps alone on this state: every read must be as the database said. Snapshot reads hold at the read version only. */
function judge(one: Committed, state: DatabaseModel, atReadVersion: boolean): void {
  for (const [i, step] of one.steps.entries()) {
    const expected = performModel(step, state);
    if (!step.do.startsWith('get') || (!atReadVersion && (step as Read).snapshot)) continue;
    const moment = atReadVersion ? `at read version ${one.readVersion}` : 'at its place in the serial order';
    expect(one.seen[i], `step ${i} of ${JSON.stringify(one.steps)} ${moment}`).toEqual(expected);
  }
}
