/** Watches on keys. */
import { describe, expect } from 'vitest';
import { type Clock, DatabaseError, type Transaction, databaseErrorCode as code, transact } from '../../ports.js';
import { b, fails, SECOND, type Promised } from './promised.js';

export function watchPromises(promise: Promised): void {
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
}
