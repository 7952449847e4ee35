/** What the parts of the Database contract share: the database of one test, and small words for keys, values and failures. */
import { expect, test } from 'vitest';
import {
  type Bytes,
  type Clock,
  type Database,
  DatabaseError,
  type RangeResult,
  type Transaction,
  type TransactionOptions,
  transact,
} from '../../ports.js';
import { bytes, text } from '../database-model.js';

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

/** One database as a test has it, and what it does with it most often. */
export interface Tools {
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

/** Tells a promise: a test with a database of its own. */
export type Promised = (title: string, body: (tools: Tools) => Promise<void>) => void;

export function promiser(options: DatabaseContractOptions): Promised {
  return (title, body) => {
    test(title, { timeout: options.testMillisMax ?? TEST_MILLIS_MAX }, async () => {
      const under = await options.make();
      try {
        await under.run(() => body(tools(under)));
      } finally {
        await under.close();
      }
    });
  };
}

export const TEST_MILLIS_MAX = 20_000;
export const SECOND = 1_000_000;
const utf8 = new TextEncoder();

/** Text as bytes. */
export const b = (value: string): Bytes => utf8.encode(value);
export const END = bytes('\xff');

export const plain = (range: RangeResult): (readonly [string, string])[] => range.items.map(({ key, value }) => [text(key), text(value)]);
export const keysOf = (range: RangeResult): string[] => range.items.map(({ key }) => text(key));

/** A body that must fail with this code, wherever in it the failure shows: a bound C client tells some of them only at commit. */
export async function fails(expected: number, body: () => unknown): Promise<void> {
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
export function little(value: number, length: number): Bytes {
  const result = new Uint8Array(length);
  for (let i = 0, rest = value; i < length; i++, rest = Math.floor(rest / 256)) result[i] = rest % 256;
  return result;
}

/** A key or value with a place for a versionstamp and the trailer that tells where it is. */
export function stamped(before: string, after: string): Bytes {
  return new Uint8Array([...b(before), ...new Uint8Array(10), ...b(after), ...little(b(before).length, 4)]);
}
