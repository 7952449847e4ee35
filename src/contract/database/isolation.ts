/** What a transaction sees of its own writes and of others. */
import { describe, expect } from 'vitest';
import { databaseErrorCode as code, keySelector, transact } from '../../ports.js';
import { text } from '../database-model.js';
import { b, fails, little, plain, type Promised } from './promised.js';

export function isolationPromises(promise: Promised): void {
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

    promise('a read sees the own writes that were made before it, and none that were made after', async ({ begin, put }) => {
      await put({ a: '1', b: '1' });
      const tx = begin();
      const reads = [tx.get(b('a')), tx.snapshot.get(b('b'))] as const;
      const range = tx.getRange(b('a'), b('z'));
      const next = tx.getKey(keySelector.firstGreaterThan(b('a')));
      tx.set(b('a'), b('later'));
      tx.clear(b('b'));
      tx.set(b('aa'), b('later'));
      expect((await Promise.all(reads)).map((value) => text(value ?? b('absent')))).toEqual(['1', '1']);
      expect(plain(await range)).toEqual([
        ['a', '1'],
        ['b', '1'],
      ]);
      expect(text(await next)).toBe('b');
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
}
