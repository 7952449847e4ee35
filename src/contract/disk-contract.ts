/** What every `Disk` without faults must do while its process lives: POSIX, as far as the port goes. What a crash leaves is tested apart. */
import { describe, expect, test } from 'vitest';
import { type Disk, type DiskErrorCode, type DiskFile, PortError, readFully, writeFully } from '../ports.js';

export interface DiskUnderTest {
  /** Empty. */
  readonly disk: Disk;
  /** Runs the body to its end while a simulated disk is driven; absent where the disk drives itself. */
  run?<T>(body: () => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

const utf8 = new TextEncoder();
const PAGE = 4096;

const patterned = (length: number, from = 0): Uint8Array => Uint8Array.from({ length }, (_, i) => (i * 7 + from + (i >> 8)) & 0xff);

async function fails(expected: DiskErrorCode | readonly DiskErrorCode[], operation: Promise<unknown>): Promise<void> {
  try {
    await operation;
  } catch (error) {
    if (!(error instanceof PortError)) throw error;
    expect([expected].flat(), error.message).toContain(error.code);
    return;
  }
  expect.fail(`expected PortError ${String(expected)}, but nothing failed`);
}

async function contentOf(disk: Disk, path: string): Promise<Uint8Array> {
  const file = await disk.open(path, 'read');
  const bytes = await readFully(file, 0, (await file.size()) + 1);
  await file.close();
  return new Uint8Array(bytes);
}

const textOf = async (disk: Disk, path: string): Promise<string> => new TextDecoder().decode(await contentOf(disk, path));

async function put(disk: Disk, path: string, text: string): Promise<void> {
  const file = await disk.open(path, 'write');
  await writeFully(file, 0, utf8.encode(text));
  await file.close();
}

export function diskContract(name: string, makeDisk: () => Promise<DiskUnderTest>): void {
  const promise = (title: string, body: (disk: Disk) => Promise<void>): void => {
    test(title, { timeout: 20_000 }, async () => {
      const { disk, run, close } = await makeDisk();
      try {
        await (run === undefined ? body(disk) : run(() => body(disk)));
      } finally {
        await close();
      }
    });
  };

  describe(`${name} keeps the Disk contract`, () => {
    promise('read needs the file, create needs that there is none, write takes both', async (disk) => {
      await fails('ENOENT', disk.open('a', 'read'));
      const created = await disk.open('a', 'create');
      expect(await created.size()).toBe(0);
      await fails('EEXIST', disk.open('a', 'create'));
      await writeFully(created, 0, utf8.encode('kept'));
      const again = await disk.open('a', 'write');
      expect(await again.size()).toBe(4);
      await (await disk.open('b', 'write')).close();
      expect(await disk.list('.')).toEqual(['a', 'b']);
      expect([created.path, again.path]).toEqual(['a', 'a']);
      await created.close();
      await again.close();
    });

    promise('bytes come back as written, at every size around sectors and pages', async (disk) => {
      for (const size of [0, 1, 511, 512, 513, PAGE - 1, PAGE, PAGE + 1, 3 * PAGE + 17, 1_000_003]) {
        const file = await disk.open(`f${size}`, 'create');
        const bytes = patterned(size, size);
        await writeFully(file, 0, bytes);
        expect(await file.size()).toBe(size);
        await file.close();
        expect(Buffer.compare(await contentOf(disk, `f${size}`), bytes), `size ${size}`).toBe(0);
      }
    });

    promise('a write changes its own bytes and no others', async (disk) => {
      const file = await disk.open('f', 'create');
      const expected = patterned(3 * PAGE);
      await writeFully(file, 0, expected);
      for (const [offset, length] of [
        [0, 1],
        [500, 30],
        [PAGE - 3, 6],
        [PAGE, PAGE],
        [3 * PAGE - 1, 1],
      ] as const) {
        const bytes = new Uint8Array(length).fill(0xee);
        await writeFully(file, offset, bytes);
        expected.set(bytes, offset);
      }
      await file.close();
      expect(await contentOf(disk, 'f')).toEqual(expected);
    });

    promise('a read ends at the end of the file', async (disk) => {
      const file = await disk.open('f', 'create');
      await writeFully(file, 0, utf8.encode('0123456789'));
      const read = async (offset: number, length: number): Promise<string> =>
        new TextDecoder().decode(await readFully(file, offset, length));
      expect(await read(0, 4)).toBe('0123');
      expect(await read(8, 100)).toBe('89');
      expect(await read(10, 5)).toBe('');
      expect(await read(1_000_000, 5)).toBe('');
      expect(await read(3, 0)).toBe('');
      await file.close();
    });

    promise('a gap reads as zeroes', async (disk) => {
      const file = await disk.open('f', 'create');
      await writeFully(file, 0, utf8.encode('ab'));
      await writeFully(file, 10_000, utf8.encode('cd'));
      await file.close();
      const expected = new Uint8Array(10_002);
      expected.set(utf8.encode('ab'), 0);
      expected.set(utf8.encode('cd'), 10_000);
      expect(await contentOf(disk, 'f')).toEqual(expected);
    });

    promise('a write of nothing changes nothing', async (disk) => {
      const file = await disk.open('f', 'create');
      expect(await file.write(100, new Uint8Array(0))).toBe(0);
      expect(await file.size()).toBe(0);
      await file.close();
    });

    promise('truncate cuts, grows with zeroes, and what it cut does not come back', async (disk) => {
      const file = await disk.open('f', 'create');
      const bytes = patterned(2 * PAGE + 100, 1);
      await writeFully(file, 0, bytes);
      await file.truncate(PAGE + 10);
      expect(await file.size()).toBe(PAGE + 10);
      await file.truncate(3 * PAGE);
      expect(await file.size()).toBe(3 * PAGE);
      const expected = new Uint8Array(3 * PAGE);
      expected.set(bytes.subarray(0, PAGE + 10));
      expect(await contentOf(disk, 'f')).toEqual(expected);
      await file.truncate(0);
      await writeFully(file, PAGE, utf8.encode('x'));
      const rest = new Uint8Array(PAGE + 1);
      rest[PAGE] = 'x'.charCodeAt(0);
      expect(await contentOf(disk, 'f')).toEqual(rest);
      await file.close();
    });

    promise('buffers belong to the caller again when the call is done', async (disk) => {
      const file = await disk.open('f', 'create');
      // A Buffer is a Uint8Array whose `slice` shares its bytes: a copy by `slice` would be none.
      const buffer = Buffer.from('before');
      await writeFully(file, 0, buffer);
      buffer.fill(0);
      const read = await readFully(file, 0, 6);
      read.fill(0);
      await file.close();
      expect(await textOf(disk, 'f')).toBe('before');
    });

    promise('all handles of a file see one file', async (disk) => {
      const writer = await disk.open('f', 'create');
      const reader = await disk.open('f', 'read');
      await writeFully(writer, 0, utf8.encode('one'));
      expect(new TextDecoder().decode(await readFully(reader, 0, 10))).toBe('one');
      await writer.close();
      expect(await reader.size()).toBe(3);
      await reader.close();
    });

    promise('operations in flight together all take place', async (disk) => {
      const file = await disk.open('f', 'create');
      const expected = patterned(64 * 700, 3);
      await Promise.all(Array.from({ length: 64 }, (_, i) => writeFully(file, i * 700, expected.subarray(i * 700, (i + 1) * 700))));
      const parts = await Promise.all(Array.from({ length: 64 }, (_, i) => readFully(file, i * 700, 700)));
      parts.forEach((part, i) => expect(Buffer.compare(part, expected.subarray(i * 700, (i + 1) * 700)), `part ${i}`).toBe(0));
      await file.close();
    });

    promise('a handle for reading does not write', async (disk) => {
      await put(disk, 'f', 'same');
      const reader = await disk.open('f', 'read');
      await fails('EBADF', reader.write(0, utf8.encode('x')));
      await fails(['EBADF', 'EINVAL'], reader.truncate(0));
      await reader.sync();
      await reader.close();
      expect(await textOf(disk, 'f')).toBe('same');
    });

    promise('a closed handle does nothing any more', async (disk) => {
      const file = await disk.open('f', 'create');
      await file.close();
      const calls: ((file: DiskFile) => Promise<unknown>)[] = [
        (closed) => closed.read(0, 1),
        (closed) => closed.write(0, utf8.encode('x')),
        (closed) => closed.truncate(0),
        (closed) => closed.sync(),
        (closed) => closed.size(),
        (closed) => closed.close(),
      ];
      for (const call of calls) await fails('EBADF', call(file));
      expect(await textOf(disk, 'f')).toBe('');
    });

    promise('sync and syncDirectory change nothing that a reader sees', async (disk) => {
      await disk.makeDirectory('d');
      const file = await disk.open('d/f', 'create');
      await writeFully(file, 0, utf8.encode('durable'));
      await file.sync();
      await disk.syncDirectory('d');
      await disk.syncDirectory('.');
      await file.close();
      expect(await textOf(disk, 'd/f')).toBe('durable');
    });

    promise('rename replaces, and open handles stay with their files', async (disk) => {
      await put(disk, 'old', 'new content');
      await put(disk, 'name', 'former content');
      const former = await disk.open('name', 'read');
      await disk.rename('old', 'name');
      expect(await disk.list('.')).toEqual(['name']);
      expect(await textOf(disk, 'name')).toBe('new content');
      expect(new TextDecoder().decode(await readFully(former, 0, 100))).toBe('former content');
      await former.close();
    });

    promise('rename moves between directories, and to itself is nothing', async (disk) => {
      await disk.makeDirectory('a');
      await disk.makeDirectory('b');
      await put(disk, 'a/f', 'moved');
      await disk.rename('a/f', 'b/g');
      await disk.rename('b/g', 'b/g');
      expect([await disk.list('a'), await disk.list('b')]).toEqual([[], ['g']]);
      expect(await textOf(disk, 'b/g')).toBe('moved');
    });

    promise('rename moves directories, over empty ones too', async (disk) => {
      await disk.makeDirectory('a/inner');
      await put(disk, 'a/inner/f', 'deep');
      await disk.makeDirectory('empty');
      await disk.rename('a', 'empty');
      expect(await disk.list('.')).toEqual(['empty']);
      expect(await textOf(disk, 'empty/inner/f')).toBe('deep');
    });

    promise('rename refuses what makes no sense, and changes nothing', async (disk) => {
      await disk.makeDirectory('d/inner');
      await disk.makeDirectory('e');
      await put(disk, 'f', 'file');
      await put(disk, 'e/f', 'other');
      await fails('ENOENT', disk.rename('none', 'g'));
      await fails('ENOENT', disk.rename('f', 'none/g'));
      await fails('ENOTDIR', disk.rename('f', 'e/f/g'));
      await fails('EISDIR', disk.rename('f', 'd'));
      await fails('ENOTDIR', disk.rename('d', 'f'));
      await fails(['ENOTEMPTY', 'EEXIST'], disk.rename('d', 'e'));
      await fails('EINVAL', disk.rename('d', 'd/inner/d'));
      expect([await disk.list('.'), await disk.list('d'), await disk.list('e')]).toEqual([['d', 'e', 'f'], ['inner'], ['f']]);
      expect([await textOf(disk, 'f'), await textOf(disk, 'e/f')]).toEqual(['file', 'other']);
    });

    promise('remove takes files and empty directories; open handles keep the file', async (disk) => {
      await disk.makeDirectory('d');
      await put(disk, 'd/f', 'gone');
      await fails(['ENOTEMPTY', 'EEXIST'], disk.remove('d'));
      const open = await disk.open('d/f', 'write');
      await disk.remove('d/f');
      expect(await disk.list('d')).toEqual([]);
      await fails('ENOENT', disk.open('d/f', 'read'));
      await writeFully(open, 4, utf8.encode(' but readable'));
      expect(new TextDecoder().decode(await readFully(open, 0, 100))).toBe('gone but readable');
      await open.sync();
      await open.close();
      await disk.remove('d');
      expect(await disk.list('.')).toEqual([]);
      await fails('ENOENT', disk.remove('d'));
    });

    promise('a name used again is a new file', async (disk) => {
      await put(disk, 'f', 'long former content');
      const former = await disk.open('f', 'read');
      await disk.remove('f');
      await put(disk, 'f', 'new');
      expect(await textOf(disk, 'f')).toBe('new');
      expect(await former.size()).toBe(19);
      await former.close();
    });

    promise('makeDirectory makes parents and takes what is there', async (disk) => {
      await disk.makeDirectory('a/b/c');
      await disk.makeDirectory('a/b');
      await put(disk, 'a/b/c/f', 'deep');
      expect([await disk.list('.'), await disk.list('a'), await disk.list('a/b/c')]).toEqual([['a'], ['b'], ['f']]);
      await fails('EEXIST', disk.makeDirectory('a/b/c/f'));
      await fails('ENOTDIR', disk.makeDirectory('a/b/c/f/g'));
    });

    promise('list is sorted by code unit', async (disk) => {
      await disk.makeDirectory('d');
      const names = ['b', 'a', 'B', '10', '9', 'é', 'z', '_', 'a-b', 'a.b'];
      for (const each of names) await put(disk, `d/${each}`, each);
      expect(await disk.list('d')).toEqual(['10', '9', 'B', '_', 'a', 'a-b', 'a.b', 'b', 'z', 'é']);
    });

    promise('directories are no files, and files no directories', async (disk) => {
      await disk.makeDirectory('d');
      await put(disk, 'f', 'file');
      await fails('EISDIR', disk.open('d', 'write'));
      await fails('EEXIST', disk.open('d', 'create'));
      await fails('ENOTDIR', disk.open('f/g', 'write'));
      await fails('ENOTDIR', disk.list('f'));
      await fails('ENOTDIR', disk.syncDirectory('f'));
      await fails('ENOTDIR', disk.remove('f/g'));
      await fails('ENOENT', disk.open('none/g', 'write'));
      await fails('ENOENT', disk.list('none'));
      await fails('ENOENT', disk.syncDirectory('none'));
    });

    promise('paths that leave the disk, and places that are none, are EINVAL', async (disk) => {
      await put(disk, 'f', 'file');
      for (const path of ['..', '../f', 'd/../../f', '/f']) {
        await fails('EINVAL', disk.open(path, 'write'));
        await fails('EINVAL', disk.remove(path));
        await fails('EINVAL', disk.rename('f', path));
        await fails('EINVAL', disk.rename(path, 'g'));
        await fails('EINVAL', disk.makeDirectory(path));
        await fails('EINVAL', disk.list(path));
        await fails('EINVAL', disk.syncDirectory(path));
      }
      const file = await disk.open('f', 'write');
      for (const place of [-1, 0.5, Number.NaN, 2 ** 53]) {
        await fails('EINVAL', file.read(place, 1));
        await fails('EINVAL', file.read(0, place));
        await fails('EINVAL', file.write(place, utf8.encode('x')));
        await fails('EINVAL', file.truncate(place));
      }
      await file.close();
      expect(await textOf(disk, 'f')).toBe('file');
      expect(await disk.list('.')).toEqual(['f']);
    });
  });
}
