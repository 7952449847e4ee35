/** The embedded store at its limits, damaged, full, and opened in odd ways. */
import { mkdtemp, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { open } from 'lmdb';
import { afterEach, describe, expect, test } from 'vitest';
import { type Clock, type Database, DatabaseError, databaseErrorCode as code, transact } from '../ports.js';
import { RealClock } from './clock.js';
import { coarsened, decodeEntry, encodeEntry } from './embedded/commit-log.js';
import { refuseDamagedFile } from './embedded/file-header.js';
import { sealed } from './embedded/records.js';
import { openEmbeddedDatabase } from './embedded-database.js';
import { JumpingClock } from './fixtures/clocks.js';
import { RealRandom } from './random.js';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (value: Uint8Array | undefined): string => (value === undefined ? 'absent' : new TextDecoder().decode(value));
const END = Uint8Array.of(0xff);

describe('the embedded store', () => {
  const folders: string[] = [];
  const databases: Database[] = [];
  afterEach(async () => {
    await Promise.all(databases.splice(0).map((database) => database.close()));
    await Promise.all(folders.splice(0).map((made) => rm(made, { recursive: true })));
  });

  async function folder(): Promise<string> {
    const made = await mkdtemp(join(tmpdir(), 'kelpie-limits-'));
    folders.push(made);
    return made;
  }

  function openAt(directory: string, change: { readonly clock?: Clock; readonly bytesMax?: number } = {}): Database {
    const database = openEmbeddedDatabase({ directory, clock: new RealClock(), random: new RealRandom(), ...change });
    databases.push(database);
    return database;
  }

  const put = (database: Database, key: string, value: string): Promise<void> =>
    transact(database, async (tx) => tx.set(bytes(key), bytes(value)));
  const read = async (database: Database, key: string): Promise<string> => text(await database.transaction().get(bytes(key)));

  async function fails(expected: number, work: Promise<unknown>): Promise<string> {
    try {
      await work;
    } catch (error) {
      if (!(error instanceof DatabaseError)) throw error;
      expect(error.code, error.message).toBe(expected);
      return error.message;
    }
    return expect.fail(`expected DatabaseError ${expected}, but nothing failed`);
  }

  test('what was committed is there when it is opened again', async () => {
    const directory = await folder();
    const first = openAt(directory);
    await put(first, 'a', '1');
    const version = await first.transaction().getReadVersion();
    await first.close();
    const second = openAt(directory);
    expect(await read(second, 'a')).toBe('1');
    expect(await second.transaction().getReadVersion()).toBe(version);
  });

  test('a commit that was begun is carried out before close, one that waits is refused, and neither hangs', async () => {
    const directory = await folder();
    const database = openAt(directory);
    const tx = database.transaction();
    tx.set(bytes('a'), bytes('1'));
    const committed = tx.commit().then(
      () => 'committed',
      (error: unknown) => (error as DatabaseError).code,
    );
    await database.close();
    const outcome = await committed;
    expect(await read(openAt(directory), 'a')).toBe(outcome === 'committed' ? '1' : 'absent');
    expect(['committed', code.operationCancelled]).toContain(outcome);
  });

  test('opened twice in one process, both see one store and each other’s conflicts', async () => {
    const directory = await folder();
    const [first, second] = [openAt(directory), openAt(directory)];
    await put(first, 'a', '1');
    expect(await read(second, 'a')).toBe('1');
    const tx = first.transaction();
    await tx.get(bytes('a'));
    await put(second, 'a', '2');
    tx.set(bytes('b'), bytes('1'));
    await fails(code.notCommitted, tx.commit());
    await first.close();
    await put(second, 'a', '3');
    expect(await read(second, 'a')).toBe('3');
  });

  test('a damaged record is an error that names its key; other keys are read, and nothing is repaired by guess', async () => {
    const directory = await folder();
    const database = openAt(directory);
    await put(database, 'healthy', 'value');
    await put(database, 'damaged', 'value');
    await database.close();

    const root = open({ path: directory, noSubdir: false, pageSize: 8192, maxDbs: 3, overlappingSync: false });
    const store = root.openDB<Buffer, Buffer>({ name: 'data', keyEncoding: 'binary', encoding: 'binary' });
    const key = Buffer.from('\x01damaged');
    const record = Buffer.from(store.get(key) ?? '');
    record[record.length - 1] = (record.at(-1) ?? 0) ^ 0x10;
    await store.put(key, record);
    await root.close();

    const again = openAt(directory);
    const message = await fails(code.checksumFailed, again.transaction().get(bytes('damaged')));
    expect(message).toContain(Buffer.from('damaged').toString('hex'));
    await fails(code.checksumFailed, again.transaction().getRange(bytes('a'), END));
    expect(await read(again, 'healthy')).toBe('value');

    // Two commits share a sync; only the one that needs the damaged record fails.
    const [sick, well] = [again.transaction(), again.transaction()];
    sick.set(bytes('half'), bytes('done'));
    sick.atomic('add', bytes('damaged'), bytes('1'));
    well.set(bytes('other'), bytes('1'));
    const sickFails = fails(code.checksumFailed, sick.commit());
    await well.commit();
    await sickFails;
    expect([await read(again, 'half'), await read(again, 'other')]).toEqual(['absent', '1']);

    const watching = again.transaction();
    const watch = watching.watch(bytes('damaged'));
    await fails(code.checksumFailed, watching.commit());
    await expect(watch.changed).rejects.toBeInstanceOf(DatabaseError);
  });

  test('a full store refuses a commit whole, and goes on reading', async () => {
    const directory = await folder();
    const database = openAt(directory, { bytesMax: 2 * 1024 * 1024 });
    let accepted = 0;
    let refused = false;
    for (let i = 0; i < 60 && !refused; i++) {
      const tx = database.transaction();
      tx.set(bytes(`small/${i}`), bytes('1'));
      tx.set(bytes(`large/${i}`), new Uint8Array(90_000));
      await tx.commit().then(
        () => accepted++,
        (error: unknown) => {
          expect(error).toMatchObject({ name: 'DatabaseError', code: code.ioError });
          refused = true;
        },
      );
    }
    expect(refused).toBe(true);
    expect(accepted).toBeGreaterThan(5);
    const small = await database.transaction().getRange(bytes('small/'), bytes('small0'));
    const large = await database.transaction().getRange(bytes('large/'), bytes('large0'));
    expect([small.items.length, large.items.length]).toEqual([accepted, accepted]);
    // What makes room is let through, and then there is room again.
    await transact(database, async (tx) => tx.clear(bytes('large/0')));
    await transact(database, async (tx) => tx.set(bytes('large/again'), new Uint8Array(90_000)));
    await fails(
      code.ioError,
      transact(database, async (tx) => tx.set(bytes('large/more'), new Uint8Array(90_000))),
    );
    await database.close();
    expect((await openAt(directory).transaction().getRange(bytes('small/'), bytes('small0'))).items.length).toBe(accepted);
  });

  test('files that are no store, and places that are no directory, are errors with a code', async () => {
    const directory = await folder();
    const data = join(directory, 'data.mdb');
    for (const length of [10, 9_000, 100_000]) {
      await writeFile(data, Buffer.alloc(length, 'junk'));
      expect(() => openAt(directory), `${length} bytes`).toThrow(
        expect.objectContaining({ name: 'DatabaseError', code: code.fileCorrupt }),
      );
    }
    await writeFile(data, '');
    await put(openAt(directory), 'an empty file is', 'a new store');
    await writeFile(join(directory, 'file'), '');
    expect(() => openAt(join(directory, 'file'))).toThrow(expect.objectContaining({ code: code.ioError }));
    expect(() => openAt(directory, { bytesMax: 1.5 })).toThrow(expect.objectContaining({ code: code.invalidOptionValue }));
  });

  test('a file that was cut off is refused, one in use never', async () => {
    const directory = await folder();
    const database = openAt(directory);
    const random = new RealRandom();
    for (let i = 0; i < 300; i++) {
      const tx = database.transaction();
      for (let j = 0; j < 6; j++) {
        const key = bytes(`k${random.int(40)}`);
        const size = random.chance(1, 3) ? 90_000 : random.int(300);
        if (random.chance(1, 2)) tx.set(key, new Uint8Array(size));
        else tx.clear(key);
      }
      if (random.chance(1, 30)) tx.clearRange(bytes('k'), bytes('l'));
      await tx.commit();
      refuseDamagedFile(join(directory, 'data.mdb'), 8_192);
    }
    await put(database, 'last', 'one');
    await database.close();
    const data = join(directory, 'data.mdb');
    await truncate(data, (await stat(data)).size - 1);
    expect(() => openAt(directory)).toThrow(expect.objectContaining({ code: code.fileCorrupt }));
  });

  test('a store of another format is refused', async () => {
    const directory = await folder();
    await openAt(directory).close();
    const root = open({ path: directory, noSubdir: false, pageSize: 8192, maxDbs: 3, overlappingSync: false });
    const meta = root.openDB<Buffer, Buffer>({ name: 'meta', keyEncoding: 'binary', encoding: 'binary' });
    const key = Buffer.from('format');
    await meta.put(key, sealed(key, Buffer.from('0000000000000063', 'hex')));
    await root.close();
    expect(() => openAt(directory)).toThrow(
      expect.objectContaining({ code: code.fileCorrupt, message: expect.stringContaining('format 99') }),
    );
  });

  test('options of a transaction that are none are 2006', async () => {
    const database = openAt(await folder());
    for (const options of [{ timeoutMicros: -1 }, { retryLimit: -2 }, { sizeLimit: 1.5 }, { retryDelayMicrosMax: Number.NaN }]) {
      expect(() => database.transaction(options)).toThrow(expect.objectContaining({ code: code.invalidOptionValue }));
    }
  });

  test('a read version is set once, and is a number of a version', async () => {
    const database = openAt(await folder());
    const tx = database.transaction();
    await tx.getReadVersion();
    expect(() => tx.setReadVersion(1)).toThrow(expect.objectContaining({ code: code.readVersionAlreadySet }));
    expect(() => database.transaction().setReadVersion(-1)).toThrow(expect.objectContaining({ code: code.clientInvalidOperation }));
  });

  test('a version older than five seconds is gone, and the log of commits is cut behind it', async () => {
    const directory = await folder();
    const clock = new JumpingClock();
    const database = openAt(directory, { clock });
    const old = database.transaction();
    const version = await old.getReadVersion();
    for (let i = 0; i < 20; i++) await put(database, `k${i}`, 'v');
    clock.jump(20_000_000);
    await fails(code.transactionTooOld, old.get(bytes('k1')));
    await put(database, 'later', 'v');
    await put(database, 'later', 'v');
    const late = database.transaction();
    late.setReadVersion(version);
    await fails(code.transactionTooOld, late.get(bytes('k1')));
    await database.close();
    const root = open({ path: directory, noSubdir: false, pageSize: 8192, maxDbs: 3, overlappingSync: false });
    expect(root.openDB({ name: 'log', keyEncoding: 'binary', encoding: 'binary' }).getKeysCount()).toBeLessThan(5);
    await root.close();
  });

  test('five seconds of real time are enough for a version to be gone', { timeout: 20_000 }, async () => {
    const database = openAt(await folder());
    const [old, young] = [database.transaction(), database.transaction()];
    await old.get(bytes('a'));
    await put(database, 'a', '1');
    await new RealClock().sleep(2_000_000);
    await young.get(bytes('a'));
    await put(database, 'a', '2');
    await new RealClock().sleep(3_100_000);
    await fails(code.transactionTooOld, old.get(bytes('a')));
    expect(text(await young.get(bytes('a')))).toBe('1');
  });

  test('a clock that was set back an hour does not stop the log from being cut', async () => {
    const directory = await folder();
    const clock = new JumpingClock();
    clock.jump(3_600_000_000);
    const database = openAt(directory, { clock });
    for (let i = 0; i < 20; i++) await put(database, `k${i}`, 'v');
    clock.jump(-3_600_000_000);
    await put(database, 'a', 'v');
    await put(database, 'b', 'v');
    await put(database, 'c', 'v');
    await database.close();
    const root = open({ path: directory, noSubdir: false, pageSize: 8192, maxDbs: 3, overlappingSync: false });
    expect(root.openDB({ name: 'log', keyEncoding: 'binary', encoding: 'binary' }).getKeysCount()).toBeLessThan(5);
    await root.close();
  });

  test('a range larger than one turn is read whole, and lets others run meanwhile', async () => {
    const database = openAt(await folder());
    const count = 12_000;
    await transact(database, async (tx) => {
      for (let i = 0; i < count; i++) tx.set(bytes(`k${String(i).padStart(6, '0')}`), bytes('v'));
    });
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    const range = await database.transaction().getRange(bytes('k'), bytes('l'));
    clearInterval(timer);
    expect(range.items.length).toBe(count);
    expect(turns).toBeGreaterThan(0);
  });

  test('clearing and reading through a large own cleared range skips it', async () => {
    const database = openAt(await folder());
    await transact(database, async (tx) => {
      for (let i = 0; i < 5_000; i++) tx.set(bytes(`k${String(i).padStart(6, '0')}`), bytes('v'));
    });
    const tx = database.transaction();
    tx.clearRange(bytes('k000010'), bytes('k004990'));
    tx.set(bytes('k002000'), bytes('own'));
    const names = (await tx.getRange(bytes('k'), bytes('l'))).items.map(({ key }) => text(key));
    const back = (await tx.getRange(bytes('k'), bytes('l'), { reverse: true })).items.map(({ key }) => text(key));
    expect(names.length).toBe(21);
    expect(names[10]).toBe('k002000');
    expect(back).toEqual([...names].reverse());
    await tx.commit();
    expect((await database.transaction().getRange(bytes('k'), bytes('l'))).items.length).toBe(21);
  });

  test('a transaction with more writes than its log entry may have still conflicts with each of its keys', async () => {
    const database = openAt(await folder());
    const key = (i: number): Uint8Array => bytes(`k${String(i).padStart(6, '0')}`);
    const readers = [0, 1_499, 2_999].map((i) => ({ i, tx: database.transaction() }));
    for (const { i, tx } of readers) await tx.get(key(i));
    const outside = database.transaction();
    await outside.get(bytes('z'));
    await transact(database, async (tx) => {
      for (let i = 0; i < 3_000; i++) tx.set(key(i), bytes('v'));
    });
    for (const { tx } of readers) {
      tx.set(bytes('own'), bytes('1'));
      await fails(code.notCommitted, tx.commit());
    }
    outside.set(bytes('own'), bytes('1'));
    await outside.commit();
  });

  test('watches are bounded', async () => {
    const database = openAt(await folder());
    const tx = database.transaction();
    const watches = Array.from({ length: 10_000 }, (_, i) => tx.watch(bytes(`w${i}`)));
    expect(() => tx.watch(bytes('one more'))).toThrow(expect.objectContaining({ code: code.tooManyWatches }));
    watches[0]?.cancel();
    tx.watch(bytes('in its place')).cancel();
    tx.reset();
  });

  describe('its commit log', () => {
    test('entries come back as written', () => {
      const entry = {
        version: 7,
        wallMicros: 1_700_000_000_000_000,
        writes: [{ begin: bytes('a') }, { begin: bytes(''), end: bytes('b') }, { begin: bytes(''), end: new Uint8Array(0) }],
      };
      expect(decodeEntry(7, new Uint8Array(encodeEntry(entry)))).toEqual(entry);
    });

    test('an entry with bytes too many is corrupt', () => {
      const content = encodeEntry({ version: 1, wallMicros: 0, writes: [] });
      expect(() => decodeEntry(1, new Uint8Array([...content, 0]))).toThrow(expect.objectContaining({ code: code.fileCorrupt }));
    });

    test('few writes stay as they are', () => {
      const writes = [{ begin: bytes('b') }, { begin: bytes('a'), end: bytes('c') }];
      expect(coarsened(writes)).toBe(writes);
    });
  });
});
