/** The life of a transaction: commit, reset, cancel, retries, time-outs, age; and the end of its database. */
import { describe, expect } from 'vitest';
import { DatabaseError, databaseErrorCode as code } from '../../ports.js';
import { text } from '../database-model.js';
import { b, fails, SECOND, type Promised } from './promised.js';

export function lifePromises(promise: Promised): void {
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
}
