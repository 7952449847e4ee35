/** Sizes and places that are legal, and the code for each that is not. */
import { describe, expect } from 'vitest';
import { type Transaction, type TransactionOptions, databaseErrorCode as code } from '../../ports.js';
import { bytes } from '../database-model.js';
import { b, END, fails, type Promised } from './promised.js';

export function limitPromises(promise: Promised): void {
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
}
