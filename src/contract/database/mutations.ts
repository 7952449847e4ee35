/** Atomic operations and versionstamps. */
import { describe, expect } from 'vitest';
import { type AtomicOperation, type Bytes, DatabaseError, type ReadTransaction, databaseErrorCode as code, transact } from '../../ports.js';
import { applyAtomic, bytes, text } from '../database-model.js';
import { b, fails, little, stamped, type Promised } from './promised.js';

export function mutationPromises(promise: Promised): void {
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
}
