/** Every outcome of a crash for data is legal, and every legal one comes about; judged by the brute force of `legal.ts`. */
import { describe, expect, test } from 'vitest';
import { type Disk, type DiskFile, type Random, readFully } from '../../ports.js';
import { randomOf } from '../random.js';
import type { CrashBehaviour } from '../seams.js';
import { type FileStep, legalContents } from './legal.js';
import { contentOf, Rig } from './rig.js';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

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
    for (let program = 0; program < 160; program++) {
      const steps = randomSteps(random, 4);
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
