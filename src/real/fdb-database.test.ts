/**
 * The adapter to FoundationDB. Its package cannot be installed everywhere, so the contract runs twice: on a stand-in for the package
 * that keeps its data in the embedded store, which proves the adapter and nothing about FoundationDB, and on a real cluster where
 * `FDB_CLUSTER_FILE` names one.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { databaseContract } from '../contract/database-contract.js';
import {
  type AtomicOperation,
  type Database,
  DatabaseError,
  databaseErrorCode as code,
  type KeySelector,
  type ReadTransaction,
  type StreamingMode,
  type Transaction,
  type TransactionOptions,
  transact,
} from '../ports.js';
import { RealClock } from './clock.js';
import { HurriedClock } from './fixtures/clocks.js';
import { openEmbeddedDatabase } from './embedded-database.js';
import { openFoundationDatabase } from './fdb-database.js';
import {
  type FdbDatabase,
  type FdbKeySelector,
  type FdbModule,
  type FdbTransaction,
  findClusterFile,
  loadFdbModule,
} from './fdb-module.js';
import { RealRandom } from './random.js';

const clock = new RealClock();
const FIRST = new Uint8Array(0);
const END = Uint8Array.of(0xff);

/** What the package throws. */
class FakeFdbError extends Error {
  constructor(
    message: string,
    readonly code: number,
  ) {
    super(message);
  }
}

const MODES = new Map<number, StreamingMode>([
  [-2, 'want-all'],
  [-1, 'iterator'],
  [0, 'exact'],
  [1, 'small'],
  [2, 'medium'],
  [3, 'large'],
  [4, 'serial'],
]);
const OPERATIONS = new Map<number, AtomicOperation>([
  [2, 'add'],
  [6, 'bit-and'],
  [7, 'bit-or'],
  [8, 'bit-xor'],
  [9, 'append-if-fits'],
  [12, 'max'],
  [13, 'min'],
  [14, 'set-versionstamped-key'],
  [15, 'set-versionstamped-value'],
  [16, 'byte-min'],
  [17, 'byte-max'],
  [20, 'compare-and-clear'],
]);
/** As the package does it: nothing is returned whole, not even when all is wanted. */
const ITEMS_A_CALL = 50;

const known = <T>(table: ReadonlyMap<number, T>, number: number): T => {
  const found = table.get(number);
  if (found === undefined) throw new Error(`the stand-in knows no number ${number}`);
  return found;
};
const versionBytes = (version: number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(BigInt(version));
  return bytes;
};
const selectorOf = ({ key, orEqual, offset }: FdbKeySelector): KeySelector => ({ key, orEqual, offset });

/** A transaction as the package offers it: Buffers, errors with codes, and a failed write that shows only at the next answer. */
class FakeTransaction implements FdbTransaction {
  #transaction: Transaction;
  #options: { -readonly [Name in keyof TransactionOptions]: TransactionOptions[Name] } = {};
  #deferred: unknown;
  #fresh = true;

  constructor(readonly database: Database) {
    this.#transaction = database.transaction();
  }

  setOption(option: number, value: number): void {
    if (option === 500) this.#options.timeoutMicros = value * 1_000;
    else if (option === 501) this.#options.retryLimit = value;
    else if (option === 502) this.#options.retryDelayMicrosMax = value * 1_000;
    else if (option === 503) this.#options.sizeLimit = value;
    else throw new Error(`the stand-in knows no option ${option}`);
    if (!this.#fresh) throw new Error('the stand-in takes options before anything else');
    this.#transaction = this.database.transaction(this.#options);
  }

  snapshot(): FdbTransaction {
    return new Proxy(this, {
      get: (target, name) => {
        if (name === 'get') return (key: Buffer) => target.readWith(key, true);
        if (name === 'getKey') return (selector: FdbKeySelector) => target.keyWith(selector, true);
        if (name === 'getRangeNative') {
          return (...args: Parameters<FdbTransaction['getRangeNative']>) => target.rangeWith(true, ...args);
        }
        throw new Error(`the stand-in's snapshot has no ${String(name)}`);
      },
    });
  }

  get(key: Buffer) {
    return this.readWith(key, false);
  }

  getKey(selector: FdbKeySelector) {
    return this.keyWith(selector, false);
  }

  getRangeNative(...args: Parameters<FdbTransaction['getRangeNative']>) {
    return this.rangeWith(false, ...args);
  }

  readWith(key: Buffer, snapshot: boolean): Promise<Buffer | undefined> {
    return this.#answer(async () => {
      const value = await this.#reads(snapshot).get(key);
      return value === undefined ? undefined : Buffer.from(value);
    });
  }

  keyWith(selector: FdbKeySelector, snapshot: boolean): Promise<Buffer | undefined> {
    return this.#answer(async () => {
      const key = await this.#reads(snapshot).getKey(selectorOf(selector));
      // Beyond the last key the package finds one of the system's.
      if (key[0] === 0xff) return Buffer.from('\xff/system', 'latin1');
      return key.length === 0 ? undefined : Buffer.from(key);
    });
  }

  rangeWith(snapshot: boolean, ...[begin, end, limit, , mode, iteration, reverse]: Parameters<FdbTransaction['getRangeNative']>) {
    return this.#answer(async () => {
      const name = known(MODES, mode);
      const cut = name === 'want-all' && (limit === 0 || limit > ITEMS_A_CALL) ? ITEMS_A_CALL : limit;
      const range = await this.#reads(snapshot).getRange(selectorOf(begin), selectorOf(end), {
        limit: cut,
        mode: name,
        iteration,
        reverse,
      });
      return { results: range.items.map(({ key, value }) => [Buffer.from(key), Buffer.from(value)] as const), more: range.more };
    });
  }

  set(key: Buffer, value: Buffer): void {
    this.#defer(() => this.#transaction.set(key, value));
  }

  clear(key: Buffer): void {
    this.#defer(() => this.#transaction.clear(key));
  }

  clearRange(begin: Buffer, end: Buffer): void {
    this.#defer(() => this.#transaction.clearRange(begin, end));
  }

  atomicOpNative(operation: number, key: Buffer, operand: Buffer): void {
    this.#defer(() => this.#transaction.atomic(known(OPERATIONS, operation), key, operand));
  }

  watch(key: Buffer) {
    const watch = this.#transaction.watch(key);
    const promise = watch.changed.then(() => true, asFake);
    promise.catch(() => undefined);
    return { promise, cancel: () => watch.cancel() };
  }

  addReadConflictRange(begin: Buffer, end: Buffer): void {
    try {
      this.#transaction.addReadConflictRange(begin, end);
    } catch (error) {
      asFake(error);
    }
  }

  addWriteConflictRange(begin: Buffer, end: Buffer): void {
    try {
      this.#transaction.addWriteConflictRange(begin, end);
    } catch (error) {
      asFake(error);
    }
  }

  getReadVersion(): Promise<Buffer> {
    return this.#answer(async () => versionBytes(await this.#transaction.getReadVersion()));
  }

  setReadVersion(version: Buffer): void {
    this.#defer(() => this.#transaction.setReadVersion(Number(version.readBigInt64BE(0))));
  }

  getCommittedVersion(): Buffer {
    return versionBytes(this.#transaction.committedVersion());
  }

  getVersionstamp() {
    const promise = this.#answer(async () => Buffer.from(await this.#transaction.versionstamp()));
    promise.catch(() => undefined);
    return { promise };
  }

  rawCommit(): Promise<void> {
    return this.#answer(() => this.#transaction.commit());
  }

  rawOnError(number: number): Promise<void> {
    this.#deferred = undefined;
    return this.#answer(() => this.#transaction.onError(new DatabaseError(number, 'told by its number')));
  }

  rawReset(): void {
    this.#deferred = undefined;
    this.#options = {};
    this.#transaction.reset();
    this.#transaction = this.database.transaction();
    this.#fresh = true;
  }

  rawCancel(): void {
    this.#transaction.cancel();
  }

  #reads(snapshot: boolean): ReadTransaction {
    return snapshot ? this.#transaction.snapshot : this.#transaction;
  }

  #defer(write: () => void): void {
    this.#fresh = false;
    try {
      write();
    } catch (error) {
      this.#deferred ??= error;
    }
  }

  async #answer<T>(work: () => Promise<T>): Promise<T> {
    this.#fresh = false;
    if (this.#deferred !== undefined) return asFake(this.#deferred);
    try {
      return await work();
    } catch (error) {
      return asFake(error);
    }
  }
}

function asFake(error: unknown): never {
  throw error instanceof DatabaseError ? new FakeFdbError(error.message, error.code) : error;
}

function fakeModule(database: Database): FdbModule {
  return {
    setAPIVersion: () => undefined,
    open: (): FdbDatabase => ({ rawCreateTransaction: () => new FakeTransaction(database), close: () => undefined }),
  };
}

databaseContract('the FoundationDB adapter (on a stand-in for its package)', {
  historyRounds: 10,
  make: async () => {
    const directory = await mkdtemp(join(tmpdir(), 'kelpie-fdb-'));
    const hurried = new HurriedClock();
    const store = openEmbeddedDatabase({ directory, clock: hurried, random: new RealRandom() });
    const database = await openFoundationDatabase({ module: fakeModule(store), clusterFile: directory });
    return {
      database,
      clock: hurried,
      run: (body) => body(),
      close: async () => {
        await database.close();
        await store.close();
        await rm(directory, { recursive: true });
      },
    };
  },
});

const clusterFile = process.env['FDB_CLUSTER_FILE'];
if (clusterFile === undefined) {
  const reason = 'FDB_CLUSTER_FILE is not set, so there is no FoundationDB cluster to test on';
  console.info(`skipped: the Database contract on FoundationDB: ${reason}`);
  test.skip(`FoundationDB keeps the Database contract (${reason})`, () => undefined);
} else {
  databaseContract('FoundationDB', {
    make: async () => {
      const database = await openFoundationDatabase({ clusterFile });
      // The contract reads and clears the whole key space, so the cluster must be there for it alone.
      const present = await transact(database, async (tx) => (await tx.getRange(FIRST, END, { limit: 1 })).items.length);
      if (present > 0) throw new Error(`the cluster of ${clusterFile} holds data; the contract clears all of it, so name an empty one`);
      return {
        database,
        clock,
        run: (body) => body(),
        close: async () => {
          await database.close();
          const cleaner = await openFoundationDatabase({ clusterFile });
          await transact(cleaner, async (tx) => tx.clearRange(FIRST, END));
          await cleaner.close();
        },
      };
    },
  });
}

describe('loading FoundationDB', () => {
  const failing = (message: string, errorCode?: string) => () => {
    throw Object.assign(new Error(message), { code: errorCode });
  };

  test('a package that is not installed is told with what to install', async () => {
    const missing = loadFdbModule(failing("Cannot find package 'foundationdb' imported from x", 'ERR_MODULE_NOT_FOUND'));
    await expect(missing).rejects.toMatchObject({
      name: 'PortError',
      code: 'unavailable',
      message: expect.stringMatching(/npm install foundationdb@2/),
    });
  });

  test('a client library that is missing is told by its name', async () => {
    const noLibrary = loadFdbModule(failing('libfdb_c.so: cannot open shared object file'));
    await expect(noLibrary).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(/libfdb_c.*foundationdb-clients/s),
    });
  });

  test('a module of that name that is another is told', async () => {
    await expect(loadFdbModule(async () => ({ default: { open: 1 } }))).rejects.toMatchObject({ code: 'unavailable' });
  });

  test('both forms of import are accepted', async () => {
    const module: FdbModule = { setAPIVersion: () => undefined, open: () => expect.fail('not opened here') };
    expect(await loadFdbModule(async () => module)).toBe(module);
    expect(await loadFdbModule(async () => ({ default: module }))).toBe(module);
  });

  test('the cluster file is the given one, that of the environment, or the system’s', () => {
    const all = (): boolean => true;
    expect(findClusterFile('given', { FDB_CLUSTER_FILE: 'environment' }, all)).toBe('given');
    expect(findClusterFile(undefined, { FDB_CLUSTER_FILE: 'environment' }, all)).toBe('environment');
    expect(findClusterFile(undefined, {}, all)).toBe('/etc/foundationdb/fdb.cluster');
  });

  test('a cluster file that does not exist is 1515, with its path', () => {
    const none = (): boolean => false;
    const told = (message: RegExp) =>
      expect.objectContaining({ name: 'DatabaseError', code: code.noClusterFile, message: expect.stringMatching(message) });
    expect(() => findClusterFile('/no/such.cluster', {}, none)).toThrow(told(/\/no\/such\.cluster/));
    expect(() => findClusterFile(undefined, {}, none)).toThrow(told(/FDB_CLUSTER_FILE/));
  });

  test('an API version that the client refuses is told with the version to install', async () => {
    const module: FdbModule = {
      setAPIVersion: () => {
        throw new FakeFdbError('API version not supported in this version or binding', 2203);
      },
      open: () => expect.fail('not opened'),
    };
    const opened = openFoundationDatabase({ module, clusterFile: import.meta.dirname, apiVersion: 730 });
    await expect(opened).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(/730.*foundationdb-clients of version 7\.3/s),
    });
  });
});
