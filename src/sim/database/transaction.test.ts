/** A transaction alone: what it reads of the store and its own writes, and what it counts as read. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bytes, DatabaseModel, text } from '../../contract/database-model.js';
import {
  type AtomicOperation,
  type Database,
  DatabaseError,
  databaseErrorCode as code,
  type KeySelector,
  keySelector,
  type ReadTransaction,
  type Transaction,
} from '../../ports.js';
import { SimCluster } from './cluster.js';
import { FakeHost, FakeProcess } from './fake-host.js';

const END = '\xff';

/** Runs the body against an empty database of its own. */
function withDatabase<T>(body: (database: Database, host: FakeHost) => Promise<T>): Promise<T> {
  const host = new FakeHost();
  const database = new SimCluster(host, host).connect(new FakeProcess('n1'));
  return host.run(() => body(database, host));
}

async function codeOf(promise: Promise<unknown>): Promise<number | undefined> {
  try {
    await promise;
    return undefined;
  } catch (error) {
    if (error instanceof DatabaseError) return error.code;
    throw error;
  }
}

/** A placeholder with the place of the stamp behind the prefix. */
const stampedBytes = (prefix: string, suffix = ''): Uint8Array =>
  bytes(`${prefix}${'\0'.repeat(10)}${suffix}${String.fromCharCode(prefix.length)}\0\0\0`);

const key = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength: 2 });
const value = fc.string({ unit: fc.constantFrom('\x00', '\x01', '\xff'), maxLength: 2 });
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
const write = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('set' as const), key, value }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('clear' as const), key }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('clear-range' as const), key, end: key }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('atomic' as const), key, operation: fc.constantFrom(...operations), value }) },
);
const stampedWrite = fc.oneof(
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('stamped-value' as const), key }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('stamped-key' as const), key }) },
);
type Write = typeof write extends fc.Arbitrary<infer T> ? T : never;
type StampedWrite = typeof stampedWrite extends fc.Arbitrary<infer T> ? T : never;
const selector = fc.record({ key, orEqual: fc.boolean(), offset: fc.integer({ min: -5, max: 6 }) });
const limits = fc.record({ limit: fc.integer({ min: 0, max: 4 }), reverse: fc.boolean() });

const select = ({ key, orEqual, offset }: { key: string; orEqual: boolean; offset: number }): KeySelector => ({
  key: bytes(key),
  orEqual,
  offset,
});

function perform(tx: Transaction, step: Write | StampedWrite): void {
  switch (step.kind) {
    case 'set':
      return tx.set(bytes(step.key), bytes(step.value));
    case 'clear':
      return tx.clear(bytes(step.key));
    case 'clear-range':
      if (step.key > step.end) return;
      return tx.clearRange(bytes(step.key), bytes(step.end));
    case 'atomic':
      return tx.atomic(step.operation, bytes(step.key), bytes(step.value));
    case 'stamped-value':
      return tx.atomic('set-versionstamped-value', bytes(step.key), stampedBytes(''));
    case 'stamped-key':
      return tx.atomic('set-versionstamped-key', stampedBytes(step.key), bytes('x'));
  }
}

/** The model, and which of its keys nobody can read before the commit. */
class OwnView {
  readonly model: DatabaseModel;
  unreadable: (readonly [begin: string, end: string])[] = [];

  constructor(stored: DatabaseModel) {
    this.model = stored.copy();
  }

  write(step: Write | StampedWrite): void {
    switch (step.kind) {
      case 'set':
        return this.model.set(step.key, step.value);
      case 'clear':
        this.readableAgain(step.key, `${step.key}\0`);
        return this.model.clear(step.key);
      case 'clear-range':
        if (step.key >= step.end) return;
        this.readableAgain(step.key, step.end);
        return this.model.clearRange(step.key, step.end);
      case 'atomic':
        return this.model.atomic(step.operation, step.key, step.value);
      case 'stamped-value':
        this.unreadable.push([step.key, `${step.key}\0`]);
        return;
      case 'stamped-key':
        this.unreadable.push([`${step.key}${'\0'.repeat(10)}`, `${step.key}${'\xff'.repeat(10)}\0`]);
        return;
    }
  }

  readableAgain(begin: string, end: string): void {
    this.unreadable = this.unreadable.flatMap(([from, to]) =>
      [[from, to < begin ? to : begin] as const, [from > end ? from : end, to] as const].filter(([low, high]) => low < high),
    );
  }
}

describe('reading one’s own writes', () => {
  test('every read is as if the writes had been applied to the store, by brute force', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(write, { maxLength: 14, size: 'max' }),
        fc.array(write, { maxLength: 12, size: 'max' }),
        fc.array(selector, { minLength: 2, maxLength: 6 }),
        limits,
        fc.boolean(),
        (stored, own, selectors, { limit, reverse }, snapshot) =>
          withDatabase(async (database) => {
            const model = new DatabaseModel();
            const before = new OwnView(model);
            const setUp = database.transaction();
            for (const step of stored) {
              perform(setUp, step);
              before.write(step);
            }
            await setUp.commit();
            const view = new OwnView(before.model);
            const tx = database.transaction();
            const reader: ReadTransaction = snapshot ? tx.snapshot : tx;
            for (const [i, step] of own.entries()) {
              perform(tx, step);
              view.write(step);
              const at = selectors[i % selectors.length] ?? { key: 'a', orEqual: true, offset: 0 };
              expect(text(await reader.getKey(select(at)))).toBe(view.model.getKey(select(at)));
            }
            for (const name of ['a', 'b', 'c', 'aa', 'ab', 'bb', 'ca']) {
              const seen = await reader.get(bytes(name));
              expect(seen === undefined ? undefined : text(seen)).toBe(view.model.get(name));
            }
            for (const [i, from] of selectors.entries()) {
              const to = selectors[i + 1] ?? { key: END, orEqual: false, offset: 1 };
              const seen = await reader.getRange(select(from), select(to), { limit, reverse });
              const expected = view.model.getRange(view.model.getKey(select(from)), view.model.getKey(select(to)), limit, reverse);
              expect(seen.items.map((item) => [text(item.key), text(item.value)])).toEqual(
                expected.map((item) => [text(item.key), text(item.value)]),
              );
              expect(seen.more).toBe(limit > 0 && expected.length === limit);
            }
            await tx.commit();
            const after = await database.transaction().getRange(bytes(''), bytes(END));
            expect(after.items.map((item) => [text(item.key), text(item.value)])).toEqual(
              view.model.keys().map((name) => [name, view.model.get(name)]),
            );
          }),
      ),
      { numRuns: 700, seed: 31_001 },
    );
  });

  test('what waits for its stamp is refused exactly where a read would meet it', async () => {
    let [refused, allowed] = [0, 0];
    await fc.assert(
      fc.asyncProperty(
        fc.array(write, { maxLength: 8 }),
        fc.array(fc.oneof({ weight: 2, arbitrary: write }, { weight: 1, arbitrary: stampedWrite }), { maxLength: 8 }),
        fc.tuple(key, key),
        limits,
        (stored, own, [begin, end], { limit, reverse }) =>
          withDatabase(async (database) => {
            const before = new OwnView(new DatabaseModel());
            const setUp = database.transaction();
            for (const step of stored) {
              perform(setUp, step);
              before.write(step);
            }
            await setUp.commit();
            const view = new OwnView(before.model);
            const tx = database.transaction();
            for (const step of own) {
              perform(tx, step);
              view.write(step);
            }
            // Walk the range key by key: the first thing that cannot be read before the limit is reached is met.
            const met = view.unreadable.filter(([from, to]) => to > begin && from < end);
            const inRange = view.model.getRange(begin, end, 0, reverse).map((item) => text(item.key));
            const readable = inRange.filter((name) => !met.some(([from, to]) => from <= name && name < to));
            const cut = limit > 0 && readable.length >= limit ? (readable[limit - 1] ?? '') : undefined;
            const meets = met.some(([from, to]) => cut === undefined || (reverse ? to > cut : from < cut));
            const seen = await codeOf(tx.getRange(bytes(begin), bytes(end), { limit, reverse }));
            expect(seen).toBe(begin < end && meets ? code.accessedUnreadable : undefined);
            if (seen === undefined) allowed++;
            else refused++;
            for (const name of ['a', 'b', 'ab']) {
              const hidden = view.unreadable.some(([from, to]) => from <= name && name < to);
              expect(await codeOf(tx.get(bytes(name)))).toBe(hidden ? code.accessedUnreadable : undefined);
            }
          }),
      ),
      { numRuns: 700, seed: 31_002 },
    );
    expect(refused).toBeGreaterThan(50);
    expect(allowed).toBeGreaterThan(50);
  });

  test('a long range comes whole over several answers, in both directions, with own writes in it', () =>
    withDatabase(async (database) => {
      const setUp = database.transaction();
      for (let i = 0; i < 400; i++) setUp.set(bytes(`k${String(i).padStart(4, '0')}`), new Uint8Array(1_000));
      await setUp.commit();
      const tx = database.transaction();
      tx.clearRange(bytes('k0010'), bytes('k0390'));
      tx.set(bytes('k0200x'), bytes('mine'));
      const expected = [...Array.from({ length: 10 }, (_, i) => `k000${i}`), 'k0200x', ...Array.from({ length: 10 }, (_, i) => `k039${i}`)];
      const names = async (reader: ReadTransaction, options: { limit?: number; reverse?: boolean }) =>
        (await reader.getRange(bytes('k'), bytes('l'), options)).items.map((item) => text(item.key));
      expect(await names(tx, {})).toEqual(expected);
      expect(await names(tx, { reverse: true })).toEqual([...expected].reverse());
      expect(await names(tx, { limit: 11 })).toEqual(expected.slice(0, 11));
      expect((await names(database.transaction(), {})).length).toBe(400);
      expect((await names(database.transaction(), { reverse: true }))[0]).toBe('k0399');
    }));

  test('a write after a read has begun changes neither its answer nor what it conflicts with', () =>
    withDatabase(async (database) => {
      const setUp = database.transaction();
      setUp.set(bytes('a'), bytes('stored'));
      await setUp.commit();
      const tx = database.transaction();
      const [point, range] = [tx.get(bytes('a')), tx.getRange(bytes('a'), bytes('b'))];
      tx.set(bytes('a'), bytes('mine'));
      tx.clearRange(bytes('a'), bytes('b'));
      expect(text((await point) ?? bytes(''))).toBe('stored');
      expect((await range).items.map((item) => text(item.value))).toEqual(['stored']);
      const other = database.transaction();
      other.set(bytes('a'), bytes('theirs'));
      await other.commit();
      expect(await codeOf(tx.commit())).toBe(code.notCommitted);
    }));

  test('writes of one key over and over count once', () =>
    withDatabase(async (database) => {
      const tx = database.transaction({ sizeLimit: 1_000 });
      for (let i = 0; i < 1_000; i++) tx.set(bytes('key'), bytes(`value ${i}`));
      for (let i = 0; i < 1_000; i++) tx.atomic('byte-max', bytes('key'), bytes(`value ${i}`));
      await tx.commit();
      expect(text((await database.transaction().get(bytes('key'))) ?? bytes(''))).toBe('value 999');
    }));

  test('a stamped key keeps its place among the other writes', () =>
    withDatabase(async (database) => {
      const tx = database.transaction();
      tx.set(bytes('q/other'), bytes('1'));
      tx.atomic('set-versionstamped-key', stampedBytes('q/'), bytes('cleared again'));
      tx.clearRange(bytes('q/'), bytes('q0'));
      tx.atomic('set-versionstamped-key', stampedBytes('q/'), bytes('kept'));
      tx.set(bytes('q/other'), bytes('2'));
      await tx.commit();
      const items = (await database.transaction().getRange(bytes('q/'), bytes('q0'))).items.map((item) => text(item.value));
      expect(items).toEqual(['kept', '2']);
    }));
});

describe('conflicts', () => {
  /** Whether a transaction that reads, while another writes one key, conflicts. */
  const conflicts = (
    stored: readonly string[],
    own: readonly Write[],
    read: (tx: Transaction) => Promise<unknown>,
    written: string,
    clears: boolean,
  ): Promise<boolean> =>
    withDatabase(async (database) => {
      const setUp = database.transaction();
      for (const name of stored) setUp.set(bytes(name), bytes('1'));
      await setUp.commit();
      const tx = database.transaction();
      for (const step of own) perform(tx, step);
      await read(tx);
      const other = database.transaction();
      if (clears) other.clear(bytes(written));
      else other.set(bytes(written), bytes('2'));
      await other.commit();
      tx.set(bytes('~'), bytes('1'));
      const outcome = await codeOf(tx.commit());
      expect([undefined, code.notCommitted]).toContain(outcome);
      return outcome !== undefined;
    });

  /** Whether the transaction's own writes alone say what the key holds. */
  const isKnown = (own: readonly Write[], name: string): boolean => {
    let known = false;
    for (const step of own) {
      if (step.kind === 'clear-range') known ||= step.key <= name && name < step.end;
      else if (step.key === name && step.kind !== 'atomic') known = true;
    }
    return known;
  };

  const scene = fc.record({
    stored: fc.array(key, { maxLength: 6 }),
    own: fc.array(write, { maxLength: 4 }),
    written: key,
    clears: fc.boolean(),
  });

  test('a get conflicts with a write of its key, unless own writes alone made the answer', async () => {
    await fc.assert(
      fc.asyncProperty(scene, key, async ({ stored, own, written, clears }, name) => {
        const expected = written === name && !isKnown(own, name);
        expect(await conflicts(stored, own, (tx) => tx.get(bytes(name)), written, clears)).toBe(expected);
      }),
      { numRuns: 400, seed: 32_001 },
    );
  });

  test('a range conflicts with writes up to the last item it brought, as far as the store made the answer', async () => {
    await fc.assert(
      fc.asyncProperty(scene, fc.tuple(key, key), limits, async ({ stored, own, written, clears }, [x, y], { limit, reverse }) => {
        const [begin, end] = x < y ? [x, y] : [y, x];
        const view = new OwnView(new DatabaseModel(new Map(stored.map((name) => [name, '1']))));
        for (const step of own) view.write(step);
        const items = view.model.getRange(begin, end, limit, reverse).map((item) => text(item.key));
        const last = limit > 0 && items.length === limit ? items.at(-1) : undefined;
        const inside = reverse
          ? (last ?? begin) <= written && written < end
          : begin <= written && (last === undefined ? written < end : written <= last);
        const read = (tx: Transaction) => tx.getRange(bytes(begin), bytes(end), { limit, reverse });
        expect(await conflicts(stored, own, read, written, clears)).toBe(inside && !isKnown(own, written));
      }),
      { numRuns: 600, seed: 32_002 },
    );
  });

  test('a key selector conflicts with writes between where it starts and what it named', async () => {
    await fc.assert(
      fc.asyncProperty(scene, selector, async ({ stored, own, written, clears }, at) => {
        const view = new OwnView(new DatabaseModel(new Map(stored.map((name) => [name, '1']))));
        for (const step of own) view.write(step);
        const found = view.model.getKey(select(at));
        const start = at.orEqual ? `${at.key}\0` : at.key;
        const inside = at.offset > 0 ? start <= written && written <= found : found <= written && written < start;
        expect(await conflicts(stored, own, (tx) => tx.getKey(select(at)), written, clears)).toBe(inside && !isKnown(own, written));
      }),
      { numRuns: 600, seed: 32_003 },
    );
  });

  test('a range by selectors conflicts whenever its answer would be another', async () => {
    let [changed, unchanged] = [0, 0];
    await fc.assert(
      fc.asyncProperty(scene, selector, selector, limits, async ({ stored, own, written, clears }, from, to, { limit, reverse }) => {
        const answer = (names: Map<string, string>): string[] => {
          const view = new OwnView(new DatabaseModel(names));
          for (const step of own) view.write(step);
          const range = view.model.getRange(view.model.getKey(select(from)), view.model.getKey(select(to)), limit, reverse);
          return range.map((item) => `${text(item.key)}=${text(item.value)}`);
        };
        const [before, after] = [new Map(stored.map((name) => [name, '1'])), new Map(stored.map((name) => [name, '1']))];
        if (clears) after.delete(written);
        else after.set(written, '2');
        const read = (tx: Transaction) => tx.getRange(select(from), select(to), { limit, reverse });
        const conflict = await conflicts(stored, own, read, written, clears);
        if (JSON.stringify(answer(before)) !== JSON.stringify(answer(after))) {
          changed++;
          expect(conflict).toBe(true);
        } else if (!conflict) {
          unchanged++;
        }
      }),
      { numRuns: 1_000, seed: 32_004 },
    );
    expect(changed).toBeGreaterThan(100);
    // Else conflicting with everything would pass.
    expect(unchanged).toBeGreaterThan(100);
  });

  test('a range cut at its limit still conflicts with what could move its ends past the cut', async () => {
    const at = (name: string, offset: number): KeySelector => ({ key: bytes(name), orEqual: false, offset });
    const cases: readonly (readonly [
      begin: KeySelector,
      end: KeySelector,
      reverse: boolean,
      written: string,
      clears: boolean,
      conflict: boolean,
    ])[] = [
      // The second key from a is b, which is all that fits; without a it would be c.
      [at('a', 2), at('c', 1), true, 'a', true, true],
      // The last key before e is d, which is all there is below dz; an insertion beyond dz would leave nothing.
      [at('e', 0), at('dz', 1), true, 'dzz', false, true],
      [at('d', 0), at('e', 1), true, 'ca', false, false],
      [at('b', 0), at('e', 1), true, 'aa', false, false],
      // The end is the second key from b; an insertion before it would lower it to what was brought.
      [at('a', 1), at('b', 2), false, 'aa', false, false],
      [at('b', 1), at('b', 2), false, 'ba', false, false],
      [at('b', 1), at('a', 3), false, 'aa', false, true],
      // Two keys back from e is c; without d it would be b.
      [at('b', 1), at('e', -1), false, 'd', true, true],
    ];
    for (const [begin, end, reverse, written, clears, conflict] of cases) {
      const read = (tx: Transaction) => tx.getRange(begin, end, { limit: 1, reverse });
      const seen = await conflicts(['a', 'b', 'c', 'd'], [], read, written, clears);
      expect(seen, `${text(begin.key)}${begin.offset} ${text(end.key)}${end.offset} ${reverse} ${written}`).toBe(conflict);
    }
  });

  test('a failed read fails the commit, as it does in FoundationDB', () =>
    withDatabase(async (database, host) => {
      const tx = database.transaction();
      tx.setReadVersion(1);
      expect(await codeOf(tx.get(bytes('a')))).toBe(code.transactionTooOld);
      tx.set(bytes('a'), bytes('1'));
      expect(await codeOf(tx.commit())).toBe(code.transactionTooOld);
      expect(host.told.filter(({ event }) => event.type === 'database' && event['outcome'] === 'committed')).toEqual([]);
    }));

  test('a commit waits for reads that are still under way', () =>
    withDatabase(async (database) => {
      const tx = database.transaction();
      await tx.getReadVersion();
      const read = tx.get(bytes('a'));
      const other = database.transaction();
      other.set(bytes('a'), bytes('1'));
      await other.commit();
      const late = tx.get(bytes('b'));
      tx.set(bytes('c'), bytes('1'));
      const committed = codeOf(tx.commit());
      expect(await read).toBeUndefined();
      expect(await late).toBeUndefined();
      expect(await committed).toBe(code.notCommitted);
    }));
});

describe('arguments and life', () => {
  test('options, limits, iterations and offsets that are none are refused with a code', () =>
    withDatabase(async (database) => {
      for (const options of [
        { timeoutMicros: -1 },
        { timeoutMicros: 0.5 },
        { retryLimit: -2 },
        { retryDelayMicrosMax: Number.NaN },
        { sizeLimit: 31 },
        { sizeLimit: 10_000_001 },
      ]) {
        expect(() => database.transaction(options)).toThrow(expect.objectContaining({ code: code.invalidOptionValue }));
      }
      const tx = database.transaction();
      const [begin, end] = [bytes('a'), bytes('b')];
      expect(await codeOf(tx.getRange(begin, end, { limit: -1 }))).toBe(code.clientInvalidOperation);
      expect(await codeOf(tx.getRange(begin, end, { mode: 'iterator', iteration: 0 }))).toBe(code.clientInvalidOperation);
      expect(await codeOf(tx.getKey({ key: begin, orEqual: false, offset: 0.5 }))).toBe(code.clientInvalidOperation);
      expect(await codeOf(tx.getKey(keySelector.firstGreaterOrEqual(bytes('\xff\x01'))))).toBe(code.keyOutsideLegalRange);
      expect(() => tx.setReadVersion(0)).toThrow(expect.objectContaining({ code: code.clientInvalidOperation }));
      await tx.getReadVersion();
      expect(() => tx.setReadVersion(10_000_001)).toThrow(expect.objectContaining({ code: code.readVersionAlreadySet }));
    }));

  test('a key above its size is absent, and clearing it does nothing', () =>
    withDatabase(async (database) => {
      const tx = database.transaction();
      const long = new Uint8Array(10_001).fill(97);
      expect(await tx.get(long)).toBeUndefined();
      tx.clear(long);
      await tx.commit();
      expect(tx.committedVersion()).toBe(-1);
    }));

  test('back-offs double from 10 ms up to their bound, with jitter', () =>
    withDatabase(async (database, host) => {
      const longest: number[] = [];
      for (let round = 0; round < 60; round++) {
        const tx = database.transaction({ retryDelayMicrosMax: 100_000 });
        for (let i = 0; i < 6; i++) {
          const before = host.now();
          await tx.onError(new DatabaseError(code.notCommitted, 'conflict'));
          longest[i] = Math.max(longest[i] ?? 0, host.now() - before);
        }
      }
      for (const [i, most] of [10_000, 20_000, 40_000, 80_000, 100_000, 100_000].entries()) {
        expect(longest[i]).toBeLessThanOrEqual(most);
        expect(longest[i]).toBeGreaterThan(most / 2);
      }
    }));

  test('given up by onError it stays cancelled until it is reset', () =>
    withDatabase(async (database) => {
      const tx = database.transaction();
      expect(await codeOf(tx.onError(new DatabaseError(code.keyTooLarge, 'no retry')))).toBe(code.keyTooLarge);
      expect(await codeOf(tx.get(bytes('a')))).toBe(code.transactionCancelled);
      tx.reset();
      expect(await tx.get(bytes('a'))).toBeUndefined();
    }));

  test('cancel and time-out end a read, a commit and a back-off that are under way', () =>
    withDatabase(async (database, host) => {
      const reading = database.transaction();
      const read = codeOf(reading.get(bytes('a')));
      reading.cancel();
      expect(await read).toBe(code.transactionCancelled);

      const committing = database.transaction();
      committing.set(bytes('a'), bytes('1'));
      const [stamp, committed] = [codeOf(committing.versionstamp()), codeOf(committing.commit())];
      committing.cancel();
      expect([await committed, await stamp]).toEqual([code.transactionCancelled, 2020]);

      const waiting = database.transaction({ timeoutMicros: 5 });
      const begun = host.now();
      expect(await codeOf(waiting.onError(new DatabaseError(code.notCommitted, 'conflict')))).toBe(code.transactionTimedOut);
      expect(host.now() - begun).toBe(5);
      waiting.reset();
      await host.sleep(4);
      expect(await codeOf(waiting.getReadVersion())).toBe(code.transactionTimedOut);
    }));

  test('a time-out does not reach a transaction that has committed', () =>
    withDatabase(async (database, host) => {
      const tx = database.transaction({ timeoutMicros: 100 });
      tx.set(bytes('a'), bytes('1'));
      const watch = tx.watch(bytes('a'));
      await tx.commit();
      await host.sleep(1_000);
      expect(tx.committedVersion()).toBeGreaterThan(0);
      expect(await codeOf(tx.get(bytes('a')))).toBe(code.usedDuringCommit);
      watch.cancel();
      expect(await codeOf(watch.changed)).toBe(code.operationCancelled);
    }));

  test('the stamp of a transaction that fails, or writes nothing, or is reset is refused', () =>
    withDatabase(async (database) => {
      const idle = database.transaction();
      const none = codeOf(idle.versionstamp());
      await idle.commit();
      expect(await none).toBe(code.noCommitVersion);
      const dropped = database.transaction();
      const lost = codeOf(dropped.versionstamp());
      dropped.reset();
      expect(await lost).toBe(code.transactionCancelled);
    }));

  test('streaming modes bring about as much as FoundationDB says', () =>
    withDatabase(async (database) => {
      const setUp = database.transaction();
      for (let i = 0; i < 2_000; i++) setUp.set(bytes(`k${String(i).padStart(7, '0')}`), new Uint8Array(92));
      await setUp.commit();
      const tx = database.transaction();
      const count = async (options: Parameters<Transaction['getRange']>[2]) =>
        (await tx.getRange(bytes('k'), bytes('l'), options)).items.length;
      expect(await count({ mode: 'small' })).toBe(3);
      expect(await count({ mode: 'medium' })).toBe(10);
      expect(await count({ mode: 'large' })).toBe(41);
      expect(await count({ mode: 'serial' })).toBe(1_200);
      expect(await count({ mode: 'iterator', iteration: 1 })).toBe(41);
      expect(await count({ mode: 'iterator', iteration: 2 })).toBe(62);
      expect(await count({ mode: 'iterator', iteration: 99 })).toBe(1_200);
      expect(await count({ mode: 'small', limit: 2 })).toBe(2);
      expect(await count({ mode: 'exact', limit: 1_500 })).toBe(1_500);
      expect(await count({})).toBe(2_000);
    }));
});
