/** Crash consistency: every outcome of a crash is legal, and every legal outcome comes about; judged by the brute force of `legal.ts`. */
import { describe, expect, test } from 'vitest';
import { type Disk, type DiskFile, PortError, type Random, readFully, writeFully } from '../../ports.js';
import { randomOf } from '../random.js';
import type { CrashBehaviour } from '../seams.js';
import { type FileStep, legalContents, NameOracle, type NameStep } from './legal.js';
import { Rig } from './rig.js';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

async function contentOf(disk: Disk, path: string): Promise<Uint8Array> {
  const file = await disk.open(path, 'read');
  const bytes = await readFully(file, 0, 1_000_000);
  await file.close();
  return bytes;
}

/** A file that is there, empty and durable, before the steps begin. */
async function durableFile(disk: Disk): Promise<DiskFile> {
  const file = await disk.open('f', 'create');
  await disk.syncDirectory('.');
  return file;
}

function doStep(file: DiskFile, step: FileStep): Promise<unknown> {
  switch (step.kind) {
    case 'write':
      return file.write(step.offset, new Uint8Array(step.length).fill(step.fill));
    case 'truncate':
      return file.truncate(step.length);
    case 'sync':
      return file.sync();
  }
}

/** What a file holds after a crash behind these steps, the last of them still in flight when `inFlight`. */
async function afterCrash(seed: number, steps: readonly FileStep[], inFlight: boolean, behaviour?: CrashBehaviour): Promise<string> {
  const rig = new Rig({ seed });
  rig.disk.setCrashBehaviour(behaviour);
  let content = '';
  await rig.run(
    {
      run: async (disk) => {
        const file = await durableFile(disk);
        for (const [index, step] of steps.entries()) {
          const doing = doStep(file, step);
          if (index < steps.length - 1 || !inFlight) await doing;
        }
      },
    },
    {
      run: async (disk) => {
        content = hex(await contentOf(disk, 'f'));
        const file = await disk.open('f', 'write');
        const length = await file.size();
        await file.truncate(length + 3_000);
        // What lies beyond the end of a file is nobody's.
        expect(hex(await readFully(file, length, 3_000))).toBe('00'.repeat(3_000));
      },
    },
  );
  return content;
}

function randomSteps(random: Random, count: number): FileStep[] {
  return Array.from({ length: count }, (_, index): FileStep => {
    const kind = random.int(10);
    if (kind === 0) return { kind: 'sync' };
    if (kind <= 2) return { kind: 'truncate', length: random.int(8) * 256 };
    return { kind: 'write', offset: random.int(6) * 256, length: (1 + random.int(4)) * 256, fill: index + 1 };
  });
}

const BEHAVIOURS: readonly (CrashBehaviour | undefined)[] = [undefined, 'mixed', 'lose', 'keep', 'tear', 'reorder', 'lose-names'];

describe('data after a crash', () => {
  test('is legal at every step of random programs, whatever the disk does to what is not durable', { timeout: 30_000 }, async () => {
    const random = randomOf(1);
    let cases = 0;
    for (let program = 0; program < 120; program++) {
      const steps = randomSteps(random, 5);
      for (let done = 0; done <= steps.length; done++) {
        const before = steps.slice(0, done);
        const legal = legalContents(before);
        for (const [index, behaviour] of BEHAVIOURS.entries()) {
          const seen = await afterCrash(program * 100 + index, before, false, behaviour);
          if (!legal.has(seen)) expect.fail(`program ${JSON.stringify(before)} with ${behaviour} left ${seen}`);
          cases++;
        }
        const next = steps[done];
        if (next === undefined) continue;
        // In flight: it was done or it was not, and may then be kept, lost or torn as any other.
        const both = new Set([...legal, ...legalContents(next.kind === 'sync' ? before : [...before, next])]);
        for (let seed = 0; seed < 4; seed++) {
          const seen = await afterCrash(program * 100 + seed, [...before, next], true);
          if (!both.has(seen)) expect.fail(`program ${JSON.stringify(before)}, then ${JSON.stringify(next)} in flight, left ${seen}`);
          cases++;
        }
      }
    }
    expect(cases).toBeGreaterThan(7_000);
  });

  const small: Readonly<Record<string, readonly FileStep[]>> = {
    'two appends in one sector': [
      { kind: 'write', offset: 0, length: 100, fill: 1 },
      { kind: 'write', offset: 100, length: 100, fill: 2 },
    ],
    'an append over sector bounds': [
      { kind: 'write', offset: 0, length: 300, fill: 1 },
      { kind: 'sync' },
      { kind: 'write', offset: 300, length: 900, fill: 2 },
    ],
    'two overwrites that share a sector': [
      { kind: 'write', offset: 0, length: 1536, fill: 1 },
      { kind: 'sync' },
      { kind: 'write', offset: 0, length: 768, fill: 2 },
      { kind: 'write', offset: 512, length: 512, fill: 3 },
    ],
    'a truncation and a shorter rewrite': [
      { kind: 'write', offset: 0, length: 1024, fill: 1 },
      { kind: 'sync' },
      { kind: 'truncate', length: 0 },
      { kind: 'write', offset: 0, length: 600, fill: 2 },
    ],
    'a truncation in the middle of a sector': [
      { kind: 'write', offset: 0, length: 1024, fill: 1 },
      { kind: 'truncate', length: 700 },
      { kind: 'truncate', length: 900 },
    ],
  };
  for (const [title, steps] of Object.entries(small)) {
    test(`is every legal outcome of ${title}, sooner or later`, { timeout: 30_000 }, async () => {
      const legal = legalContents(steps);
      const missing = new Set(legal);
      expect(missing.size).toBeGreaterThan(3);
      for (let seed = 0; missing.size > 0 && seed < 5_000; seed++) {
        const seen = await afterCrash(seed, steps, false);
        expect(legal).toContain(seen);
        missing.delete(seen);
      }
      expect([...missing]).toEqual([]);
    });
  }

  test('of the behaviours, lose loses all, keep keeps all, reorder keeps a later write without an earlier one', async () => {
    const steps: FileStep[] = [
      { kind: 'write', offset: 0, length: 1536, fill: 1 },
      { kind: 'sync' },
      { kind: 'write', offset: 0, length: 512, fill: 2 },
      { kind: 'write', offset: 512, length: 512, fill: 3 },
      { kind: 'write', offset: 1024, length: 512, fill: 4 },
    ];
    const fills = async (seed: number, behaviour: CrashBehaviour): Promise<string> => {
      const content = Buffer.from(await afterCrash(seed, steps, false, behaviour), 'hex');
      return [0, 512, 1024].map((at) => content[at]).join('');
    };
    for (let seed = 0; seed < 50; seed++) {
      expect(await fills(seed, 'lose')).toBe('111');
      expect(await fills(seed, 'keep')).toBe('234');
      expect(['131', '114', '134', '214', '114']).toContain(await fills(seed, 'reorder'));
    }
    const torn = new Set<string>();
    for (let seed = 0; seed < 50; seed++) {
      const write: FileStep = { kind: 'write', offset: 0, length: 2048, fill: 9 };
      torn.add(await afterCrash(seed, [{ kind: 'truncate', length: 2048 }, { kind: 'sync' }, write], false, 'tear'));
    }
    expect(torn.size).toBeGreaterThan(8);
  });

  test('a sync promises what was written before it was called, and nothing later', async () => {
    const outcomes = new Set<string>();
    for (let seed = 0; seed < 60; seed++) {
      const rig = new Rig({ seed });
      rig.disk.setCrashBehaviour('lose');
      await rig.run(
        {
          run: async (disk) => {
            const file = await durableFile(disk);
            await file.write(0, Uint8Array.of(1));
            const syncing = file.sync();
            await file.write(0, Uint8Array.of(2));
            await file.write(512, Uint8Array.of(3));
            await syncing;
          },
        },
        { run: async (disk) => void outcomes.add(hex(await contentOf(disk, 'f'))) },
      );
    }
    expect([...outcomes]).toEqual(['01']);
  });
});

async function treeOf(disk: Disk, directory = '.', prefix = ''): Promise<string> {
  const parts: string[] = [];
  for (const name of await disk.list(directory)) {
    const at = prefix + name;
    let inside: string | undefined;
    try {
      inside = await treeOf(disk, at, `${at}/`);
    } catch (error) {
      if (!(error instanceof PortError) || error.code !== 'ENOTDIR') throw error;
    }
    parts.push(inside === undefined ? `${name}=${(await contentOf(disk, at))[0]}` : `${name}/(${inside})`);
  }
  return parts.join(' ');
}

async function doNameStep(disk: Disk, step: NameStep, number: number): Promise<void> {
  switch (step.kind) {
    case 'create': {
      // The content tells files apart and is durable, so that only names are at stake.
      const file = await disk.open(step.path, 'create');
      await file.write(0, Uint8Array.of(number));
      await file.sync();
      return file.close();
    }
    case 'make-directory':
      return disk.makeDirectory(step.path);
    case 'rename':
      return disk.rename(step.path, step.to);
    case 'remove':
      return disk.remove(step.path);
    case 'sync-directory':
      return disk.syncDirectory(step.path);
  }
}

/** The tree after a crash behind these steps, and the oracle that went along. */
async function treeAfterCrash(
  seed: number,
  steps: readonly NameStep[],
  behaviour?: CrashBehaviour,
): Promise<{ tree: string; oracle: NameOracle }> {
  const oracle = new NameOracle();
  const rig = new Rig({ seed });
  rig.disk.setCrashBehaviour(behaviour);
  let tree = '';
  await rig.run(
    {
      run: async (disk) => {
        for (const [index, step] of steps.entries()) if (oracle.step(step)) await doNameStep(disk, step, index + 1);
      },
    },
    {
      run: async (disk) => {
        tree = await treeOf(disk);
      },
    },
  );
  return { tree, oracle };
}

function randomNameSteps(random: Random, count: number): NameStep[] {
  const paths = ['a', 'b', 'd', 'e', 'd/a', 'd/b', 'd/e', 'e/a', 'e/d'];
  return Array.from({ length: count }, (): NameStep => {
    const path = random.pick(paths);
    switch (random.int(8)) {
      case 0:
      case 1:
        return { kind: 'create', path };
      case 2:
      case 3:
        return { kind: 'make-directory', path: random.pick(['d', 'e', 'd/e', 'e/d']) };
      case 4:
      case 5:
        return { kind: 'rename', path, to: random.pick(paths) };
      case 6:
        return { kind: 'remove', path };
      default:
        return { kind: 'sync-directory', path: random.pick(['.', 'd', 'e', 'd/e']) };
    }
  });
}

describe('names after a crash', () => {
  test('a directory sync promises the names of before it was called, and nothing later', async () => {
    const outcomes = new Set<string>();
    for (let seed = 0; seed < 60; seed++) {
      const rig = new Rig({ seed });
      rig.disk.setCrashBehaviour('lose');
      await rig.run(
        {
          run: async (disk) => {
            await disk.makeDirectory('early');
            const syncing = disk.syncDirectory('.');
            await disk.makeDirectory('late');
            await syncing;
          },
        },
        { run: async (disk) => void outcomes.add(await treeOf(disk)) },
      );
    }
    expect([...outcomes]).toEqual(['early/()']);
  });

  test('are legal at every step of random programs', { timeout: 30_000 }, async () => {
    const random = randomOf(2);
    let cases = 0;
    let choices = 0;
    for (let program = 0; program < 250; program++) {
      const steps = randomNameSteps(random, 12);
      for (let done = 4; done <= steps.length; done += 2) {
        const before = steps.slice(0, done);
        for (const [index, behaviour] of BEHAVIOURS.entries()) {
          const { tree, oracle } = await treeAfterCrash(program * 100 + index, before, behaviour);
          const legal = oracle.legalTrees(behaviour === 'lose-names' ? 'independent' : 'prefixes');
          if (!legal.has(tree))
            expect.fail(`program ${JSON.stringify(before)} with ${behaviour} left '${tree}', not one of ${JSON.stringify([...legal])}`);
          cases++;
          choices += legal.size;
        }
      }
    }
    expect(cases).toBeGreaterThan(7_000);
    expect(choices / cases).toBeGreaterThan(2);
  });

  const small: Readonly<Record<string, readonly NameStep[]>> = {
    'a replacement': [
      { kind: 'create', path: 'cur' },
      { kind: 'sync-directory', path: '.' },
      { kind: 'create', path: 'tmp' },
      { kind: 'rename', path: 'tmp', to: 'cur' },
      { kind: 'create', path: 'tmp' },
    ],
    'a move between directories': [
      { kind: 'make-directory', path: 'd' },
      { kind: 'make-directory', path: 'e' },
      { kind: 'create', path: 'd/a' },
      { kind: 'sync-directory', path: '.' },
      { kind: 'sync-directory', path: 'd' },
      { kind: 'create', path: 'd/b' },
      { kind: 'rename', path: 'd/a', to: 'e/a' },
      { kind: 'create', path: 'e/b' },
    ],
    'a move from an old directory into a new one': [
      { kind: 'make-directory', path: 'e' },
      { kind: 'create', path: 'e/a' },
      { kind: 'sync-directory', path: '.' },
      { kind: 'sync-directory', path: 'e' },
      { kind: 'create', path: 'x' },
      { kind: 'make-directory', path: 'd' },
      { kind: 'rename', path: 'e/a', to: 'd/a' },
    ],
    'a move into a new directory that is synced': [
      { kind: 'make-directory', path: 'e' },
      { kind: 'create', path: 'e/a' },
      { kind: 'sync-directory', path: '.' },
      { kind: 'sync-directory', path: 'e' },
      { kind: 'make-directory', path: 'd' },
      { kind: 'rename', path: 'e/a', to: 'd/a' },
      { kind: 'sync-directory', path: 'd' },
      { kind: 'create', path: 'd/b' },
    ],
    'a move between directories, one of them synced': [
      { kind: 'make-directory', path: 'd' },
      { kind: 'make-directory', path: 'e' },
      { kind: 'sync-directory', path: '.' },
      { kind: 'create', path: 'd/a' },
      { kind: 'create', path: 'd/b' },
      { kind: 'rename', path: 'd/a', to: 'e/a' },
      { kind: 'create', path: 'd/c' },
      { kind: 'sync-directory', path: 'e' },
    ],
    'a move into a new directory': [
      { kind: 'create', path: 'a' },
      { kind: 'sync-directory', path: '.' },
      { kind: 'make-directory', path: 'd' },
      { kind: 'rename', path: 'a', to: 'd/a' },
      { kind: 'create', path: 'd/b' },
    ],
  };
  for (const [title, steps] of Object.entries(small)) {
    for (const behaviour of ['mixed', 'lose-names'] as const) {
      test(`are every legal outcome of ${title} with ${behaviour}, sooner or later`, async () => {
        const { oracle } = await treeAfterCrash(0, steps);
        const legal = oracle.legalTrees(behaviour === 'mixed' ? 'prefixes' : 'independent');
        const missing = new Set(legal);
        for (let seed = 0; (missing.size > 0 && seed < 3_000) || seed < 50; seed++) {
          const { tree } = await treeAfterCrash(seed, steps, behaviour);
          expect(legal).toContain(tree);
          missing.delete(tree);
        }
        expect([...missing]).toEqual([]);
      });
    }
  }
});

/** A log in the making: records of a length, a number and a check, appended and synced, moved to a new segment now and then. */
const RECORD_BYTES = 700;
const SEGMENT_RECORDS = 5;

const record = (number: number): Uint8Array => {
  const bytes = new Uint8Array(RECORD_BYTES).fill((number * 31) & 0xff);
  new DataView(bytes.buffer).setUint32(0, number);
  return bytes;
};

interface LogRules {
  readonly syncFile: boolean;
  readonly syncDirectory: boolean;
}

async function writeLog(disk: Disk, rules: LogRules, acknowledged: (number: number) => void): Promise<void> {
  for (let number = 1; ; number++) {
    const path = `segment-${Math.floor((number - 1) / SEGMENT_RECORDS)}`;
    const within = (number - 1) % SEGMENT_RECORDS;
    const file = await disk.open(path, 'write');
    await writeFully(file, within * RECORD_BYTES, record(number));
    if (rules.syncFile) await file.sync();
    if (within === 0 && rules.syncDirectory) await disk.syncDirectory('.');
    await file.close();
    acknowledged(number);
  }
}

/** Numbers of the whole records in front, across segments. */
async function readLog(disk: Disk): Promise<number> {
  let last = 0;
  for (;;) {
    const path = `segment-${Math.floor(last / SEGMENT_RECORDS)}`;
    if (!(await disk.list('.')).includes(path)) return last;
    const file = await disk.open(path, 'read');
    const bytes = await readFully(file, (last % SEGMENT_RECORDS) * RECORD_BYTES, RECORD_BYTES);
    await file.close();
    if (hex(bytes) !== hex(record(last + 1))) return last;
    last++;
  }
}

/** How many of these crashes at random moments lose a record that was acknowledged. */
async function lossesOf(rules: LogRules, seeds: number): Promise<number> {
  let losses = 0;
  for (let seed = 0; seed < seeds; seed++) {
    const rig = new Rig({ seed, disk: { latency: { sync: [50, 200], 'sync-directory': [50, 200] } } });
    let acknowledged = 0;
    let survived = 0;
    await rig.run(
      {
        run: (disk, process) => {
          rig.kernel.after(randomOf(seed).fork('kill').between(1, 6_000), undefined, 'kill', () => rig.kernel.kill(process, 'test'));
          return writeLog(disk, rules, (number) => {
            acknowledged = number;
          });
        },
      },
      {
        run: async (disk) => {
          survived = await readLog(disk);
        },
      },
    );
    if (survived < acknowledged) losses++;
  }
  return losses;
}

describe('a small write-ahead log', () => {
  test('loses no acknowledged record in 3,000 kills when it syncs file and directory', { timeout: 30_000 }, async () => {
    expect(await lossesOf({ syncFile: true, syncDirectory: true }, 3_000)).toBe(0);
  });

  test('is caught when it leaves out either sync', async () => {
    expect(await lossesOf({ syncFile: false, syncDirectory: true }, 50)).toBeGreaterThan(10);
    expect(await lossesOf({ syncFile: true, syncDirectory: false }, 50)).toBeGreaterThan(10);
  });
});
