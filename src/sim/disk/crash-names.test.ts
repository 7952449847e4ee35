/** Every outcome of a crash for names is legal, and every legal one comes about; judged by the brute force of `legal.ts`. */
import { describe, expect, test } from 'vitest';
import { type Disk, PortError, type Random } from '../../ports.js';
import { randomOf } from '../random.js';
import type { CrashBehaviour } from '../seams.js';
import { NameOracle, type NameStep } from './legal.js';
import { contentOf, Rig } from './rig.js';

const BEHAVIOURS: readonly (CrashBehaviour | undefined)[] = [undefined, 'mixed', 'lose', 'keep', 'tear', 'reorder', 'lose-names'];

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
