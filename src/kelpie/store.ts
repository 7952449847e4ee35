/** Transactions of the runtime itself, whose bodies look before they write and so may run again after any failure. */
import {
  type Bytes,
  DatabaseError,
  databaseErrorCode,
  type KeyValue,
  keySelector,
  type ReadTransaction,
  type Transaction,
} from '../ports.js';
import { KelpieError } from './errors.js';
import type { Runtime } from './runtime.js';

/** The value of the body, and the version at which it committed (-1 when it wrote nothing). */
export interface Committed<T> {
  readonly value: T;
  readonly version: number;
}

/**
 * Runs the body until it commits, at most for `storeMicros`. The body must be right to run again although an earlier try was
 * applied. Errors: `store-unavailable` when the database does not answer in time or refuses; it may have been applied then.
 */
export async function inTransaction<T>(
  runtime: Runtime,
  what: string,
  body: (transaction: Transaction) => Promise<T>,
): Promise<Committed<T>> {
  const transaction = runtime.platform.database.transaction({ timeoutMicros: runtime.config.storeMicros });
  for (;;) {
    try {
      const value = await body(transaction);
      await transaction.commit();
      return { value, version: transaction.committedVersion() };
    } catch (error) {
      if (!(error instanceof DatabaseError)) throw error;
      try {
        await transaction.onError(error);
      } catch (last) {
        throw storeError(last, what);
      }
    }
  }
}

/** A failure of the database in Kelpie's words; anything else as it is. */
function storeError(error: unknown, what: string): unknown {
  if (!(error instanceof DatabaseError)) return error;
  return new KelpieError('store-unavailable', `${what}: ${error.message}`, { cause: error });
}

const NOT_COMMITTED: ReadonlySet<number> = new Set([
  databaseErrorCode.transactionTooOld,
  databaseErrorCode.futureVersion,
  databaseErrorCode.notCommitted,
  databaseErrorCode.processBehind,
  databaseErrorCode.databaseLocked,
  databaseErrorCode.tagThrottled,
]);

/**
 * Whether a failed `commit` may have been applied, or may still be. Everything that is not known to say no counts as maybe: a
 * time-out or a cancellation may strike while the commit is on its way. Codes from 2000 are mistakes of the caller, found before.
 */
export const mayHaveCommitted = (error: DatabaseError): boolean => !NOT_COMMITTED.has(error.code) && error.code < 2000;

/** Up to `limit` items of `[begin, end)`, over as many calls as the database needs. */
export async function readRange(transaction: ReadTransaction, begin: Bytes, end: Bytes, limit: number): Promise<readonly KeyValue[]> {
  const first = await transaction.getRange(begin, end, { limit, mode: 'want-all' });
  if (!first.more || first.items.length >= limit) return first.items;
  const items = [...first.items];
  for (;;) {
    const last = items[items.length - 1];
    const from = last === undefined ? keySelector.firstGreaterOrEqual(begin) : keySelector.firstGreaterThan(last.key);
    const next = await transaction.getRange(from, keySelector.firstGreaterOrEqual(end), { limit: limit - items.length, mode: 'want-all' });
    items.push(...next.items);
    if (!next.more || items.length >= limit) return items;
  }
}
