/** Which reads and writes of two transactions conflict, and which do not. */
import { describe, expect } from 'vitest';
import { type Transaction, databaseErrorCode as code, keySelector, transact } from '../../ports.js';
import { b, fails, little, type Promised } from './promised.js';

export function conflictPromises(promise: Promised): void {
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
}
