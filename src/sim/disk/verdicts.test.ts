/** Every verdict of the disk seam: what the program sees now, and what it finds after a crash. */
import { describe, expect, test } from 'vitest';
import { type Disk, type DiskErrorCode, type DiskFile, readFully, writeFully } from '../../ports.js';
import type { DiskOperation } from '../seams.js';
import { contentOf, expecting, failing, filled, inOneLife, judged, keep, put, toldOf } from './rig.js';

const PAGE = 4096;
const utf8 = new TextEncoder();
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

describe('verdicts', () => {
  const calls: Readonly<Record<DiskOperation, (disk: Disk, file: DiskFile) => Promise<unknown>>> = {
    open: (disk) => disk.open('g', 'write'),
    read: (_disk, file) => file.read(0, 10),
    write: (_disk, file) => file.write(0, utf8.encode('changed')),
    truncate: (_disk, file) => file.truncate(1),
    sync: (_disk, file) => file.sync(),
    rename: (disk) => disk.rename('f', 'h'),
    remove: (disk) => disk.remove('f'),
    'make-directory': (disk) => disk.makeDirectory('d'),
    list: (disk) => disk.list('.'),
    'sync-directory': (disk) => disk.syncDirectory('.'),
  };
  const operations = Object.keys(calls) as DiskOperation[]; // the keys are the union
  const codes: DiskErrorCode[] = [
    'EIO',
    'ENOSPC',
    'EROFS',
    'ENOENT',
    'EEXIST',
    'EMFILE',
    'EBADF',
    'EINVAL',
    'EISDIR',
    'ENOTDIR',
    'ENOTEMPTY',
  ];

  for (const operation of operations) {
    test(`${operation} fails with every code, changing nothing, and says so in the trace`, async () => {
      for (const code of codes) {
        const { rig, armed, asked } = judged(operation, { kind: 'fail', code });
        await inOneLife(rig, async (disk) => {
          armed.now = false;
          const file = await put(disk, 'f', utf8.encode('content'));
          armed.now = true;
          expect(await failing(calls[operation](disk, file))).toBe(code);
          armed.now = false;
          expect([await disk.list('.'), text(await contentOf(disk, 'f'))]).toEqual([['f'], 'content']);
        });
        expect(asked.some((event) => event.operation === operation && event.node === 'n1')).toBe(true);
        expect(toldOf(rig).some((line) => line.startsWith(operation) && line.endsWith(code))).toBe(true);
      }
    });

    test(`${operation} is delayed, and held until released`, async () => {
      const delayed = judged(operation, { kind: 'delay', micros: 5_000_000 });
      await inOneLife(delayed.rig, async (disk) => {
        delayed.armed.now = false;
        const file = await put(disk, 'f', utf8.encode('content'));
        delayed.armed.now = true;
        const start = delayed.rig.kernel.now();
        await calls[operation](disk, file);
        expect(delayed.rig.kernel.now() - start).toBeGreaterThan(5_000_000);
      });

      const { rig, armed } = judged(operation, { kind: 'hold' });
      await inOneLife(rig, async (disk) => {
        armed.now = false;
        const file = await put(disk, 'f', utf8.encode('content'));
        armed.now = true;
        const start = rig.kernel.now();
        rig.kernel.after(60_000_000, undefined, 'heal', () => {
          expect(rig.held.length).toBe(1);
          for (const held of rig.held) held.release();
        });
        await calls[operation](disk, file);
        expect(rig.kernel.now() - start).toBeGreaterThan(60_000_000);
      });
    });

    test(`the process dies before or after ${operation} took effect`, async () => {
      const witness = async (when: 'before' | 'after'): Promise<string> => {
        const { rig, armed } = judged(operation, { kind: 'crash', when });
        rig.disk.setCrashBehaviour('keep');
        let seen = '';
        let survived = false;
        await rig.run(
          {
            run: async (disk) => {
              armed.now = false;
              const file = await keep(disk, 'f', utf8.encode('content'));
              armed.now = true;
              await calls[operation](disk, file);
              survived = true;
            },
          },
          {
            run: async (disk) => {
              armed.now = false;
              const names = await disk.list('.');
              seen = names.join(' ');
              for (const name of names) if (name !== 'd') seen += ` ${text(await contentOf(disk, name))}`;
            },
          },
        );
        expect(survived).toBe(false);
        expect(rig.told.filter(({ type }) => type === 'kill')).toHaveLength(1);
        return seen;
      };
      expect(await witness('before')).toBe('f content');
      const changed: Partial<Record<DiskOperation, string>> = {
        open: 'f g content ',
        write: 'f changed',
        truncate: 'f c',
        rename: 'h content',
        remove: '',
        'make-directory': 'd f content',
      };
      expect(await witness('after')).toBe(changed[operation] ?? 'f content');
    });
  }

  test('what was going to fail, or to be killed first, is not done by a crash that comes before it', async () => {
    for (const verdict of [
      { kind: 'fail', code: 'EIO' },
      { kind: 'crash', when: 'before' },
    ] as const) {
      for (const operation of ['write', 'remove'] as const) {
        // The coin that decides about operations in flight falls both ways in ten crashes.
        for (let seed = 0; seed < 10; seed++) {
          const { rig, armed } = judged(operation, verdict, seed);
          rig.disk.setCrashBehaviour('keep');
          await rig.run(
            {
              run: async (disk) => {
                armed.now = false;
                const file = await keep(disk, 'f', utf8.encode('content'));
                armed.now = true;
                void calls[operation](disk, file);
              },
            },
            expecting('f', utf8.encode('content')),
          );
        }
      }
    }
  });

  test('a read and a write are cut short, never to nothing, and what was said is what was done', async () => {
    const reading = judged('read', { kind: 'short', numerator: 1, denominator: 3 });
    await inOneLife(reading.rig, async (disk) => {
      const file = await put(disk, 'f', utf8.encode('0123456789'));
      expect(text(await file.read(0, 9))).toBe('012');
      expect(text(await file.read(0, 1))).toBe('0');
      expect(text(await readFully(file, 0, 10))).toBe('0123456789');
    });
    const writing = judged('write', { kind: 'short', numerator: 1, denominator: 3 });
    await inOneLife(writing.rig, async (disk) => {
      const file = await disk.open('f', 'create');
      expect(await file.write(0, utf8.encode('0123456789'))).toBe(3);
      expect(text(await contentOf(disk, 'f'))).toBe('012');
      expect(await file.write(0, utf8.encode('x'))).toBe(1);
      expect(await file.write(0, utf8.encode(''))).toBe(0);
      await writeFully(file, 0, utf8.encode('abcdefghij'));
      expect(text(await contentOf(disk, 'f'))).toBe('abcdefghij');
    });
    expect(toldOf(writing.rig)).toContain('write f short');
  });

  test('a phantom write is seen until the machine dies, although a sync said that it is durable', async () => {
    const { rig, armed } = judged('write', { kind: 'phantom' });
    await rig.run(
      {
        run: async (disk) => {
          armed.now = false;
          const file = await keep(disk, 'f', filled(2 * PAGE, 1));
          armed.now = true;
          expect(await file.write(0, filled(PAGE, 2))).toBe(PAGE);
          armed.now = false;
          await file.sync();
          expect((await contentOf(disk, 'f'))[0]).toBe(2);
        },
      },
      expecting('f', filled(2 * PAGE, 1)),
    );
    expect(toldOf(rig)).toContain('write f phantom');
  });

  test('a write to the same sector later heals a phantom write, for sectors are written whole', async () => {
    const { rig, armed } = judged('write', { kind: 'phantom' });
    await rig.run(
      {
        run: async (disk) => {
          armed.now = false;
          const file = await keep(disk, 'f', filled(1024, 1));
          armed.now = true;
          await file.write(0, filled(1024, 2));
          armed.now = false;
          await file.sync();
          await file.write(10, filled(1, 3));
          await file.sync();
        },
      },
      {
        run: async (disk) => {
          const bytes = await contentOf(disk, 'f');
          expect([bytes[0], bytes[10], bytes[511], bytes[512]]).toEqual([2, 3, 2, 1]);
        },
      },
    );
  });

  test('a sync that lies leaves data to chance, and the next true one makes it durable', async () => {
    for (const healed of [false, true]) {
      const { rig, armed } = judged('sync', { kind: 'phantom' });
      rig.disk.setCrashBehaviour('lose');
      await rig.run(
        {
          run: async (disk) => {
            armed.now = false;
            const file = await keep(disk, 'f', filled(PAGE, 1));
            await file.write(0, filled(PAGE, 2));
            armed.now = true;
            await file.sync();
            armed.now = false;
            if (healed) await file.sync();
          },
        },
        expecting('f', filled(PAGE, healed ? 2 : 1)),
      );
      expect(toldOf(rig)).toContain('sync f phantom');
    }
  });

  test('a failed sync that forgets: the cache shows the data, the next sync succeeds, and a crash has nothing of it', async () => {
    const { rig, armed } = judged('sync', { kind: 'fail-and-forget' });
    rig.disk.setCrashBehaviour('keep');
    await rig.run(
      {
        run: async (disk) => {
          armed.now = false;
          const file = await keep(disk, 'f', filled(PAGE, 1));
          await file.write(0, filled(PAGE, 2));
          armed.now = true;
          expect(await failing(file.sync())).toBe('EIO');
          armed.now = false;
          await file.sync();
          expect((await contentOf(disk, 'f'))[0]).toBe(2);
        },
      },
      expecting('f', filled(PAGE, 1)),
    );
    expect(toldOf(rig)).toContain('sync f forgotten');
  });

  test('a failed sync that does not forget keeps the data dirty', async () => {
    const { rig, armed } = judged('sync', { kind: 'fail', code: 'EIO' });
    rig.disk.setCrashBehaviour('lose');
    await rig.run(
      {
        run: async (disk) => {
          armed.now = false;
          const file = await keep(disk, 'f', filled(PAGE, 1));
          await file.write(0, filled(PAGE, 2));
          armed.now = true;
          expect(await failing(file.sync())).toBe('EIO');
          armed.now = false;
          await file.sync();
        },
      },
      expecting('f', filled(PAGE, 2)),
    );
  });

  test('a phantom rename is seen until the machine dies, although a directory sync said that it is durable', async () => {
    const { rig, armed } = judged('rename', { kind: 'phantom' });
    await rig.run(
      {
        run: async (disk) => {
          armed.now = false;
          await keep(disk, 'cur', utf8.encode('old'));
          await keep(disk, 'tmp', utf8.encode('new'));
          armed.now = true;
          await disk.rename('tmp', 'cur');
          expect(text(await contentOf(disk, 'cur'))).toBe('new');
          await disk.syncDirectory('.');
        },
      },
      expecting('cur', utf8.encode('old')),
      expecting('tmp', utf8.encode('new')),
    );
  });

  test('phantom renames can leave a file under two names and a directory in two places; a restart makes a tree of it', async () => {
    const { rig, armed } = judged('rename', { kind: 'phantom' });
    await rig.run(
      {
        run: async (disk) => {
          armed.now = false;
          await disk.makeDirectory('p/q');
          await keep(disk, 'a', filled(PAGE, 1));
          await disk.syncDirectory('p');
          armed.now = true;
          await disk.rename('a', 'b');
          await disk.rename('p/q', 'q');
          await disk.rename('p', 'x');
          armed.now = false;
          await disk.rename('b', 'c');
          await disk.rename('x', 'q/p');
          await disk.syncDirectory('.');
          await disk.syncDirectory('q');
        },
      },
      {
        run: async (disk) => {
          expect(await disk.list('.')).toEqual(['a', 'c', 'p']);
          expect(await disk.list('p')).toEqual(['q']);
          expect(await disk.list('p/q')).toEqual([]);
          expect(rig.disk.usedBytes()).toBe(PAGE);
          await disk.remove('a');
          expect(rig.disk.usedBytes()).toBe(PAGE);
          expect(await contentOf(disk, 'c')).toEqual(filled(PAGE, 1));
          await disk.remove('c');
          expect(rig.disk.usedBytes()).toBe(0);
        },
      },
    );
  });

  test('a directory sync that lies leaves names to chance', async () => {
    const { rig } = judged('sync-directory', { kind: 'phantom' });
    rig.disk.setCrashBehaviour('lose');
    await rig.run(
      { run: async (disk) => void (await keep(disk, 'f', utf8.encode('x'))) },
      { run: async (disk) => expect(await disk.list('.')).toEqual([]) },
    );
    expect(toldOf(rig)).toContain('sync-directory . phantom');
  });

  test('a misdirected write lands pages further on, around the end, and its own place keeps what it had', async () => {
    for (const [pages, lands] of [
      [1, 2],
      [2, 0],
      [-1, 0],
      [4, 2],
    ] as const) {
      const { rig, armed } = judged('write', { kind: 'misdirect', pages });
      const expected = filled(3 * PAGE, 1);
      expected.fill(2, lands * PAGE + 5, lands * PAGE + 10);
      await rig.run(
        {
          run: async (disk) => {
            armed.now = false;
            const file = await keep(disk, 'f', filled(3 * PAGE, 1));
            armed.now = true;
            await file.write(PAGE + 5, filled(5, 2));
            await file.sync();
            // The cache does not know.
            expect((await contentOf(disk, 'f'))[PAGE + 5]).toBe(2);
          },
        },
        expecting('f', expected),
      );
      expect(toldOf(rig)).toContain('write f misdirected');
    }
  });

  test('a misdirected write that a crash loses lands nowhere', async () => {
    const { rig, armed } = judged('write', { kind: 'misdirect', pages: 1 });
    rig.disk.setCrashBehaviour('lose');
    await rig.run(
      {
        run: async (disk) => {
          armed.now = false;
          const file = await keep(disk, 'f', filled(2 * PAGE, 1));
          armed.now = true;
          await file.write(0, filled(PAGE, 2));
        },
      },
      expecting('f', filled(2 * PAGE, 1)),
    );
  });

  test('a misdirected read brings pages from further on, except those that only the cache has', async () => {
    const { rig, armed } = judged('read', { kind: 'misdirect', pages: 1 });
    await inOneLife(rig, async (disk) => {
      const file = await disk.open('f', 'create');
      for (const page of [0, 1, 2]) await file.write(page * PAGE, filled(PAGE, page + 1));
      await file.sync();
      expect([(await file.read(0, 10))[0], (await file.read(2 * PAGE, 10))[9]]).toEqual([2, 1]);
      const across = await file.read(PAGE - 1, 2);
      expect([...across]).toEqual([2, 3]);
      await file.write(0, filled(1, 9));
      expect((await file.read(0, 1))[0]).toBe(9);
      armed.now = false;
      expect((await file.read(PAGE, 1))[0]).toBe(2);
    });
    expect(toldOf(rig)).toContain('read f misdirected');
  });

  test('a stale read brings what a page held before its latest durable change, except where only the cache has it', async () => {
    const { rig, armed } = judged('read', { kind: 'stale' });
    const first = async (file: DiskFile, page: number): Promise<number | undefined> => (await file.read(page * PAGE, 10))[0];
    await rig.run(
      {
        run: async (disk) => {
          const file = await keep(disk, 'f', filled(2 * PAGE, 1));
          // Before its first durable change a page was empty.
          expect(await first(file, 0)).toBe(0);
          await file.write(0, filled(PAGE, 2));
          expect(await first(file, 0)).toBe(2);
          await file.sync();
          expect([await first(file, 0), await first(file, 1)]).toEqual([1, 0]);
          await file.write(0, filled(PAGE, 3));
          await file.sync();
          expect(await first(file, 0)).toBe(2);
          armed.now = false;
          expect(await first(file, 0)).toBe(3);
        },
      },
      {
        run: async (disk) => {
          armed.now = true;
          expect(await first(await disk.open('f', 'read'), 0)).toBe(2);
        },
      },
    );
    expect(toldOf(rig)).toContain('read f stale');
  });

  test('a verdict where it means nothing is a mistake of the fault, and named', async () => {
    const { rig } = judged('truncate', { kind: 'stale' });
    await expect(
      inOneLife(rig, async (disk) => {
        await (await put(disk, 'f', utf8.encode('x'))).truncate(0);
      }),
    ).rejects.toThrow("a fault answered 'stale' to a disk truncate; it means something for read only");
  });
});
