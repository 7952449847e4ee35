import { describe, expect, test } from 'vitest';
import type { Disk, DiskFile } from '../ports.js';
import { contentOf, expecting, failing, filled, inOneLife, judged, keep, type Life, put, Rig, toldOf } from './disk/rig.js';
import { SimDisk } from './disk.js';
import { randomOf } from './random.js';

const PAGE = 4096;
const utf8 = new TextEncoder();
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

describe('lives of a disk', () => {
  test('a process that ends leaves the cache behind; its machine takes it along', async () => {
    const rig = new Rig();
    rig.disk.setCrashBehaviour('lose');
    await rig.run(
      { run: async (disk) => void (await put(disk, 'f', utf8.encode('cached'))), end: 'process' },
      { ...expecting('f', utf8.encode('cached')), end: 'machine' },
      { run: async (disk) => expect(await disk.list('.')).toEqual([]) },
    );
  });

  test('what was durable stays so when it is overwritten and the machine dies, again and again', async () => {
    const rig = new Rig();
    rig.disk.setCrashBehaviour('lose');
    const overwrite: Life = { run: async (disk) => void (await put(disk, 'f', filled(PAGE, 2))) };
    await rig.run(
      { run: async (disk) => void (await keep(disk, 'f', filled(PAGE, 1))) },
      overwrite,
      expecting('f', filled(PAGE, 1)),
      overwrite,
      expecting('f', filled(PAGE, 1)),
    );
  });

  test('nothing written in one life reaches what an earlier crash left durable', async () => {
    for (let seed = 0; seed < 20; seed++) {
      const rig = new Rig({ seed });
      const until = (behaviour: 'tear' | 'lose') => () => void rig.disk.setCrashBehaviour(behaviour);
      await rig.run(
        { run: async (disk) => void (await keep(disk, 'f', filled(100, 1))), after: until('tear') },
        {
          // Sectors far behind the end may arrive without the length that would show them.
          run: async (disk) => void (await (await disk.open('f', 'write')).write(3 * PAGE, filled(2048, 2))),
          after: until('lose'),
        },
        { run: async (disk) => void (await (await disk.open('f', 'write')).write(0, filled(100, 3))) },
        { run: async (disk) => expect((await contentOf(disk, 'f')).subarray(0, 100)).toEqual(filled(100, 1)) },
      );
    }
  });

  test('handles and ports of a dead life neither settle nor change anything', async () => {
    const { rig, asked } = judged('list', { kind: 'hold' });
    let old: { readonly disk: Disk; readonly file: DiskFile } | undefined;
    let settled = 0;
    await rig.run(
      {
        run: async (disk) => {
          old = { disk, file: await keep(disk, 'f', utf8.encode('kept')) };
          // Held in no promise that anybody awaits: the life ends before they are done.
          void old.file.truncate(0).finally(() => settled++);
        },
        end: 'process',
      },
      {
        run: async (disk, process) => {
          const before = text(await contentOf(disk, 'f'));
          const count = asked.length;
          void old?.file.write(0, utf8.encode('late')).finally(() => settled++);
          void old?.disk.remove('f').finally(() => settled++);
          await new Promise<void>((resolve) => void rig.kernel.after(1_000_000, process, 'wait', resolve));
          expect(asked.length).toBe(count);
          expect(text(await contentOf(disk, 'f'))).toBe(before);
        },
      },
    );
    expect(settled).toBe(0);
  });

  test('a second life may not begin before the first is over', async () => {
    const rig = new Rig();
    await inOneLife(rig, async (_disk, process) => {
      expect(() => rig.disk.attach(process)).toThrow('disk n1 is in use by life 1 of n1');
    });
  });

  test('an operation takes effect when it completes, and its buffer belongs to the caller as soon as it is called', async () => {
    const rig = new Rig();
    await inOneLife(rig, async (disk) => {
      const file = await put(disk, 'f', utf8.encode('before'));
      const buffer = utf8.encode('behind');
      const writing = file.write(0, buffer);
      buffer.fill(0);
      expect(await file.size()).toBe(6);
      await writing;
      expect(text(await contentOf(disk, 'f'))).toBe('behind');
    });
  });

  test('operations in flight together complete in any order; awaited ones in theirs', async () => {
    const together = new Set<string>();
    for (let seed = 0; seed < 20; seed++) {
      await inOneLife(new Rig({ seed }), async (disk) => {
        const file = await disk.open('f', 'create');
        await Promise.all([file.write(0, utf8.encode('a')), file.write(0, utf8.encode('b'))]);
        together.add(text(await contentOf(disk, 'f')));
        await file.write(0, utf8.encode('c'));
        await file.write(0, utf8.encode('d'));
        expect(text(await contentOf(disk, 'f'))).toBe('d');
      });
    }
    expect([...together].sort()).toEqual(['a', 'b']);
  });

  test('the same seed gives the same times and outcomes, another seed others', async () => {
    const hashOf = async (seed: number): Promise<string> => {
      const rig = new Rig({ seed });
      await rig.run(
        {
          run: async (disk) => {
            const file = await keep(disk, 'f', filled(10_000, 1));
            for (let i = 0; i < 10; i++) await file.write(i * 900, filled(900, i));
          },
        },
        { run: async (disk) => void (await contentOf(disk, 'f')) },
      );
      return rig.kernel.traceHash();
    };
    expect(await hashOf(1)).toBe(await hashOf(1));
    expect(await hashOf(1)).not.toBe(await hashOf(2));
  });

  test('no fault is asked while none is active at the seam', async () => {
    const rig = new Rig({
      judge: {
        seam: 'packet',
        answer: () => {
          throw new Error('the disk asked');
        },
      },
    });
    await inOneLife(rig, async (disk) => void (await keep(disk, 'f', utf8.encode('x'))));
  });

  test('the trace has syncs, renames, failures and crashes, and nothing of what is done all the time', async () => {
    const rig = new Rig();
    rig.disk.setCrashBehaviour('lose');
    await rig.run(
      {
        run: async (disk) => {
          const file = await keep(disk, 'f', utf8.encode('x'));
          await file.read(0, 1);
          await disk.rename('f', 'g');
          await failing(disk.open('none', 'read'));
        },
      },
      { run: async () => {} },
    );
    expect(toldOf(rig)).toEqual(['sync f ok', 'sync-directory . ok', 'rename f ok', 'open none ENOENT', 'crash  lose']);
    expect(rig.told.at(-1)).toMatchObject({ disk: 'n1', operations: 0, names: 1, namesKept: 0 });
  });
});

describe('bounds', () => {
  test('a full disk takes what fits, then ENOSPC, also for new names; overwriting and removing go on', async () => {
    const rig = new Rig();
    expect(rig.disk.limit(2 * PAGE + 100)).toBe(true);
    expect(rig.disk.limit(2 * PAGE + 100)).toBe(false);
    await inOneLife(rig, async (disk) => {
      const file = await disk.open('f', 'create');
      expect(await file.write(0, filled(3 * PAGE, 1))).toBe(2 * PAGE);
      expect(await failing(file.write(2 * PAGE, filled(1, 1)))).toBe('ENOSPC');
      expect(await failing(disk.open('g', 'create'))).toBe('ENOSPC');
      expect(await failing(disk.makeDirectory('d'))).toBe('ENOSPC');
      expect(await file.write(100, filled(PAGE, 2))).toBe(PAGE);
      await disk.remove('f');
      // The file lives as long as it is open.
      expect(rig.disk.usedBytes()).toBe(2 * PAGE);
      await file.close();
      expect(rig.disk.usedBytes()).toBe(0);
      expect(await (await disk.open('g', 'create')).write(0, filled(PAGE, 1))).toBe(PAGE);
      expect(rig.disk.limit(undefined)).toBe(true);
      expect(await (await disk.open('h', 'create')).write(0, filled(9 * PAGE, 1))).toBe(9 * PAGE);
    });
  });

  test('space is what files take: holes take none, replaced and cut files give it back', async () => {
    const rig = new Rig();
    await rig.run(
      {
        run: async (disk) => {
          const file = await disk.open('f', 'create');
          await file.write(1_000 * PAGE, filled(1, 1));
          expect(rig.disk.usedBytes()).toBe(PAGE);
          await file.write(0, filled(2 * PAGE, 1));
          expect(rig.disk.usedBytes()).toBe(3 * PAGE);
          await file.truncate(PAGE);
          expect(rig.disk.usedBytes()).toBe(PAGE);
          await (await put(disk, 'e', filled(5 * PAGE, 1))).close();
          await disk.rename('e', 'g');
          expect(rig.disk.usedBytes()).toBe(6 * PAGE);
          await file.sync();
          await disk.rename('f', 'g');
          expect(rig.disk.usedBytes()).toBe(PAGE);
          await disk.syncDirectory('.');
        },
      },
      { run: async () => expect(rig.disk.usedBytes()).toBe(PAGE) },
    );
  });

  test('a process may not have more than so many files open', async () => {
    const rig = new Rig({ disk: { openFilesMax: 2 } });
    await inOneLife(rig, async (disk) => {
      const first = await disk.open('a', 'create');
      await disk.open('b', 'create');
      expect(await failing(disk.open('c', 'create'))).toBe('EMFILE');
      await first.close();
      await disk.open('c', 'create');
    });
  });

  test('a slow device takes the time that its bytes take, one after another', async () => {
    const rig = new Rig({ disk: { bytesPerSecond: 1_000_000 } });
    await inOneLife(rig, async (disk) => {
      const file = await disk.open('f', 'create');
      const start = rig.kernel.now();
      await Promise.all([file.write(0, filled(50_000, 1)), file.write(50_000, filled(50_000, 1))]);
      expect(rig.kernel.now() - start).toBeGreaterThanOrEqual(100_000);
      expect(rig.kernel.now() - start).toBeLessThan(110_000);
    });
  });

  test('a sync takes longer than a write, and now and then very long', async () => {
    const rig = new Rig();
    await inOneLife(rig, async (disk) => {
      const file = await disk.open('f', 'create');
      const taken: number[] = [];
      for (let i = 0; i < 1_000; i++) {
        const start = rig.kernel.now();
        await file.sync();
        taken.push(rig.kernel.now() - start);
      }
      const long = taken.filter((micros) => micros > 3_000).length;
      expect(Math.min(...taken)).toBeGreaterThanOrEqual(200);
      expect(long).toBeGreaterThan(0);
      expect(long).toBeLessThan(50);
    });
  });

  test('the cache writes back by itself before it holds too much', async () => {
    const rig = new Rig();
    rig.disk.setCrashBehaviour('lose');
    const mebibyte = 1024 * 1024;
    await rig.run(
      {
        run: async (disk) => {
          const file = await keep(disk, 'f', utf8.encode(''));
          for (let i = 0; i < 20; i++) await file.write(i * mebibyte, filled(mebibyte, 1));
        },
      },
      {
        run: async (disk) => {
          const size = await (await disk.open('f', 'read')).size();
          expect(size).toBeGreaterThanOrEqual(16 * mebibyte);
          expect(size).toBeLessThan(20 * mebibyte);
        },
      },
    );
  });

  test('the journal of names commits by itself before it holds too much', async () => {
    const rig = new Rig();
    rig.disk.setCrashBehaviour('lose');
    await rig.run(
      {
        run: async (disk) => {
          for (let i = 0; i < 10_001; i++) await disk.makeDirectory(`d${i}`);
          await disk.makeDirectory('one-more');
        },
      },
      {
        run: async (disk) => {
          const names = await disk.list('.');
          expect(names.length).toBe(10_001);
          expect(names).not.toContain('one-more');
        },
      },
    );
  });
});

describe('damage from outside', () => {
  test('rot flips bits of durable data, seen at once and after a crash, but not where a rewrite is on its way', async () => {
    const rig = new Rig();
    const differences = (bytes: Uint8Array): number => bytes.filter((byte) => byte !== 1).length;
    await rig.run(
      {
        run: async (disk) => {
          expect(rig.disk.rot(3, randomOf(1))).toBe(false);
          const file = await keep(disk, 'f', filled(2 * PAGE, 1));
          expect(rig.disk.rot(1, randomOf(2))).toBe(true);
          expect(differences(await contentOf(disk, 'f'))).toBe(1);
          await file.write(0, filled(2 * PAGE, 1));
          expect(rig.disk.rot(20, randomOf(3))).toBe(true);
          expect(differences(await contentOf(disk, 'f'))).toBe(0);
          await file.sync();
        },
      },
      { ...expecting('f', filled(2 * PAGE, 1)), after: () => expect(rig.disk.rot(10, randomOf(4))).toBe(true) },
      {
        run: async (disk) => {
          const bytes = await contentOf(disk, 'f');
          expect(bytes.length).toBe(2 * PAGE);
          expect(differences(bytes)).toBeGreaterThan(5);
        },
      },
    );
    expect(toldOf(rig)).toContain('rot f damaged');
  });

  test('rot keeps within the file: what is cut stays cut, although the platter never heard of it', async () => {
    const { rig, armed } = judged('sync', { kind: 'fail-and-forget' });
    await inOneLife(rig, async (disk) => {
      armed.now = false;
      const file = await keep(disk, 'f', filled(100, 1));
      armed.now = true;
      await file.truncate(10);
      expect(await failing(file.sync())).toBe('EIO');
      rig.disk.rot(200, randomOf(1));
      await file.truncate(100);
      expect([...(await file.read(10, 90))].every((byte) => byte === 0)).toBe(true);
    });
  });

  test('a wiped disk comes back empty, and only while nobody uses it', async () => {
    const rig = new Rig();
    expect(rig.disk.wipe()).toBe(false);
    await rig.run(
      {
        run: async (disk) => {
          await keep(disk, 'f', utf8.encode('x'));
          expect(rig.disk.wipe()).toBe(false);
        },
        after: () => expect(rig.disk.wipe()).toBe(true),
      },
      {
        run: async (disk) => {
          expect(await disk.list('.')).toEqual([]);
          await keep(disk, 'g', utf8.encode('y'));
        },
      },
      expecting('g', utf8.encode('y')),
    );
    expect(toldOf(rig)).toContain('wipe  damaged');
  });

  test('swapped disks keep the limits and ways of their machines', async () => {
    const rig = new Rig();
    const other = new SimDisk(rig.kernel, 'n2');
    expect(rig.disk.swap(other)).toBe(false);
    rig.disk.setCrashBehaviour('lose');
    rig.disk.limit(2 * PAGE);
    await rig.run(
      {
        run: async (disk) => {
          await keep(disk, 'mine', utf8.encode('x'));
          expect(rig.disk.swap(other)).toBe(false);
          expect(other.swap(rig.disk)).toBe(false);
        },
        after: () => expect(rig.disk.swap(other)).toBe(true),
      },
      {
        run: async (disk, process) => {
          expect(await disk.list('.')).toEqual([]);
          const file = await keep(disk, 'theirs', filled(PAGE, 1));
          await file.write(0, filled(PAGE, 2));
          expect(await file.write(PAGE, filled(2 * PAGE, 1))).toBe(PAGE);
          expect(await other.attach(process).list('.')).toEqual(['mine']);
          other.crash();
        },
        after: () => expect(other.swap(rig.disk)).toBe(true),
      },
      { ...expecting('mine', utf8.encode('x')), after: () => expect(rig.disk.swap(other)).toBe(true) },
      expecting('theirs', filled(PAGE, 1)),
    );
    expect(toldOf(rig)).toContain('swap  damaged');
  });

  test('a crash behaviour holds until it is lifted', () => {
    const { disk } = new Rig();
    expect([disk.setCrashBehaviour('lose'), disk.setCrashBehaviour('lose')]).toEqual([true, false]);
    expect([disk.setCrashBehaviour(undefined), disk.setCrashBehaviour(undefined)]).toEqual([true, false]);
  });
});
