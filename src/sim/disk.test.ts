import { describe, expect, test } from 'vitest';
import { type Disk, type DiskErrorCode, type DiskFile, PortError, readFully, writeFully } from '../ports.js';
import { type Life, Rig, type RigOptions, inOneLife } from './disk/rig.js';
import { randomOf } from './random.js';
import type { DiskEvent, DiskOperation, DiskVerdict } from './seams.js';

const PAGE = 4096;
const utf8 = new TextEncoder();
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const filled = (length: number, fill: number): Uint8Array => new Uint8Array(length).fill(fill);

/** A rig whose disk gets this verdict at every such operation, while `armed` says so. */
function judged(
  operation: DiskOperation,
  verdict: DiskVerdict,
  options: RigOptions = {},
): { rig: Rig; armed: { now: boolean }; asked: DiskEvent[] } {
  const armed = { now: true };
  const asked: DiskEvent[] = [];
  const rig = new Rig({
    ...options,
    judge: {
      seam: 'disk',
      answer: (event) => {
        if (event.seam !== 'disk') return undefined;
        asked.push(event);
        return armed.now && event.operation === operation ? verdict : undefined;
      },
    },
  });
  return { rig, armed, asked };
}

async function failing(doing: Promise<unknown>): Promise<string> {
  try {
    await doing;
    return 'nothing';
  } catch (error) {
    if (error instanceof PortError) return error.code;
    throw error;
  }
}

async function put(disk: Disk, path: string, bytes: Uint8Array): Promise<DiskFile> {
  const file = await disk.open(path, 'write');
  await writeFully(file, 0, bytes);
  return file;
}

/** A file that survives a crash. */
async function keep(disk: Disk, path: string, bytes: Uint8Array): Promise<DiskFile> {
  const file = await put(disk, path, bytes);
  await file.sync();
  await disk.syncDirectory('.');
  return file;
}

async function contentOf(disk: Disk, path: string): Promise<Uint8Array> {
  const file = await disk.open(path, 'read');
  const bytes = await readFully(file, 0, 1_000_000);
  await file.close();
  return bytes;
}

const expecting = (path: string, bytes: Uint8Array): Life => ({
  run: async (disk) => expect(Buffer.compare(await contentOf(disk, path), bytes), `content of ${path}`).toBe(0),
});

const toldOf = (rig: Rig): string[] =>
  rig.told.flatMap((event) => (event.type === 'disk' ? [`${event.operation} ${event.path} ${event.outcome}`] : []));

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
          await (await put(disk, 'g', filled(5 * PAGE, 1))).close();
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

  test('a crash behaviour holds until it is lifted', () => {
    const { disk } = new Rig();
    expect([disk.setCrashBehaviour('lose'), disk.setCrashBehaviour('lose')]).toEqual([true, false]);
    expect([disk.setCrashBehaviour(undefined), disk.setCrashBehaviour(undefined)]).toEqual([true, false]);
  });
});
