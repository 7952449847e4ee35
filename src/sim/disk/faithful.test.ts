/** Without faults the disk loses, reorders and damages nothing: random operations against a model that is a plain tree of byte arrays. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Disk, type DiskFile, PortError, writeFully } from '../../ports.js';
import { Rig } from './rig.js';

interface ModelFile {
  bytes: Uint8Array;
}
type ModelDirectory = Map<string, ModelFile | ModelDirectory>;
type ModelNode = ModelFile | ModelDirectory | undefined;

const isDirectory = (node: ModelNode): node is ModelDirectory => node instanceof Map;
const isFile = (node: ModelNode): node is ModelFile => node !== undefined && !isDirectory(node);

const NAMES = ['a', 'b', 'd'] as const;
const path = fc.array(fc.constantFrom(...NAMES), { minLength: 1, maxLength: 3 }).map((names) => names.join('/'));
const place = fc.oneof(fc.nat(9_000), fc.constantFrom(0, 511, 512, 513, 4095, 4096, 4097, 8192));

const operation = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('write' as const),
      path,
      offset: place,
      length: place,
      fill: fc.integer({ min: 1, max: 255 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('truncate' as const), path, length: place }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('make-directory' as const), path }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('rename' as const), path, to: path }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('remove' as const), path }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('sync' as const), path }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('sync-directory' as const), path }) },
);
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

/** The code with which it fails, or nothing. */
async function codeOf(doing: Promise<unknown>): Promise<string> {
  try {
    await doing;
    return '';
  } catch (error) {
    if (error instanceof PortError) return error.code;
    throw error;
  }
}

async function withFile(disk: Disk, at: string, use: (file: DiskFile) => Promise<unknown>): Promise<void> {
  const file = await disk.open(at, 'write');
  await use(file);
  await file.close();
}

function onDisk(disk: Disk, op: Operation): Promise<unknown> {
  switch (op.kind) {
    case 'write':
      return withFile(disk, op.path, (file) => writeFully(file, op.offset, new Uint8Array(op.length).fill(op.fill)));
    case 'truncate':
      return withFile(disk, op.path, (file) => file.truncate(op.length));
    case 'sync':
      return withFile(disk, op.path, (file) => file.sync());
    case 'make-directory':
      return disk.makeDirectory(op.path);
    case 'rename':
      return disk.rename(op.path, op.to);
    case 'remove':
      return disk.remove(op.path);
    case 'sync-directory':
      return disk.syncDirectory(op.path);
  }
}

/** The directory that holds a path, or why there is none. */
function parentOf(root: ModelDirectory, at: string): ModelDirectory | 'ENOENT' | 'ENOTDIR' {
  let directory = root;
  for (const name of at.split('/').slice(0, -1)) {
    const next = directory.get(name);
    if (next === undefined) return 'ENOENT';
    if (!isDirectory(next)) return 'ENOTDIR';
    directory = next;
  }
  return directory;
}

const nameOf = (at: string): string => at.split('/').at(-1) ?? '';

function holds(directory: ModelDirectory, other: ModelDirectory): boolean {
  return directory === other || [...directory.values()].some((node) => isDirectory(node) && holds(node, other));
}

function onModel(root: ModelDirectory, op: Operation): string {
  if (op.kind === 'make-directory') {
    let directory = root;
    const names = op.path.split('/');
    for (const [index, name] of names.entries()) {
      const next = directory.get(name) ?? new Map<string, ModelFile | ModelDirectory>();
      if (!isDirectory(next)) return index === names.length - 1 ? 'EEXIST' : 'ENOTDIR';
      directory.set(name, next);
      directory = next;
    }
    return '';
  }
  const parent = parentOf(root, op.path);
  if (typeof parent === 'string') return parent;
  const name = nameOf(op.path);
  const node = parent.get(name);
  switch (op.kind) {
    case 'write':
    case 'truncate':
    case 'sync': {
      if (isDirectory(node)) return 'EISDIR';
      const file = node ?? { bytes: new Uint8Array(0) };
      parent.set(name, file);
      const before = file.bytes;
      if (op.kind === 'truncate') {
        file.bytes = new Uint8Array(op.length);
        file.bytes.set(before.subarray(0, op.length));
      } else if (op.kind === 'write' && op.length > 0) {
        file.bytes = new Uint8Array(Math.max(before.length, op.offset + op.length));
        file.bytes.set(before);
        file.bytes.fill(op.fill, op.offset, op.offset + op.length);
      }
      return '';
    }
    case 'sync-directory':
      if (node === undefined) return 'ENOENT';
      return isDirectory(node) ? '' : 'ENOTDIR';
    case 'remove':
      if (node === undefined) return 'ENOENT';
      if (isDirectory(node) && node.size > 0) return 'ENOTEMPTY';
      parent.delete(name);
      return '';
    case 'rename': {
      if (node === undefined) return 'ENOENT';
      const target = parentOf(root, op.to);
      if (typeof target === 'string') return target;
      const replaced = target.get(nameOf(op.to));
      if (replaced === node) return '';
      if (isDirectory(node)) {
        if (holds(node, target)) return 'EINVAL';
        if (isFile(replaced)) return 'ENOTDIR';
        if (isDirectory(replaced) && replaced.size > 0) return 'ENOTEMPTY';
      } else if (isDirectory(replaced)) return 'EISDIR';
      parent.delete(name);
      target.set(nameOf(op.to), node);
      return '';
    }
  }
}

/** Every path with its content, directories with none. */
async function everything(disk: Disk, directory = '.', prefix = ''): Promise<[string, string][]> {
  const found: [string, string][] = [];
  for (const name of await disk.list(directory)) {
    const at = prefix + name;
    const code = await codeOf(disk.list(at));
    if (code === '') {
      found.push([`${at}/`, ''], ...(await everything(disk, at, `${at}/`)));
      continue;
    }
    const file = await disk.open(at, 'read');
    found.push([at, Buffer.from(await file.read(0, 100_000)).toString('hex')]);
    expect(await file.size()).toBe((found.at(-1)?.[1].length ?? 0) / 2);
    await file.close();
  }
  return found;
}

function everythingInModel(root: ModelDirectory, prefix = ''): [string, string][] {
  return [...root.keys()].sort().flatMap((name): [string, string][] => {
    const node = root.get(name);
    if (isDirectory(node)) return [[`${prefix}${name}/`, ''], ...everythingInModel(node, `${prefix}${name}/`)];
    return [[prefix + name, Buffer.from(node?.bytes ?? []).toString('hex')]];
  });
}

async function syncEverything(disk: Disk, directory = '.', prefix = ''): Promise<void> {
  for (const name of await disk.list(directory)) {
    if ((await codeOf(disk.list(prefix + name))) === '') await syncEverything(disk, prefix + name, `${prefix}${name}/`);
    else await withFile(disk, prefix + name, (file) => file.sync());
  }
  await disk.syncDirectory(directory);
}

describe('a disk without faults', () => {
  test('is what a plain tree of byte arrays is, over exits of processes and, once synced, over crashes', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(),
        fc.array(operation, { maxLength: 40 }),
        fc.array(operation, { maxLength: 20 }),
        async (seed, first, second) => {
          const model: ModelDirectory = new Map();
          const rig = new Rig({ seed, strategy: { kind: 'random' } });
          const both = async (disk: Disk, operations: readonly Operation[]): Promise<void> => {
            for (const op of operations) expect(await codeOf(onDisk(disk, op)), JSON.stringify(op)).toBe(onModel(model, op));
          };
          await rig.run(
            { run: (disk) => both(disk, first), end: 'process' },
            {
              run: async (disk) => {
                expect(await everything(disk)).toEqual(everythingInModel(model));
                await both(disk, second);
                await syncEverything(disk);
              },
            },
            { run: async (disk) => expect(await everything(disk)).toEqual(everythingInModel(model)), end: 'machine' },
            { run: async (disk) => expect(await everything(disk)).toEqual(everythingInModel(model)) },
          );
          const pages = everythingInModel(model).map(([, hex]) => Math.ceil(hex.length / 2 / 4096));
          // Holes take no space.
          expect(rig.disk.usedBytes()).toBeLessThanOrEqual(4096 * pages.reduce((sum, count) => sum + count, 0));
        },
      ),
      { numRuns: 300 },
    );
  });

  test('writes in flight together to different places all take place, in whatever order they complete', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.array(fc.integer({ min: 1, max: 3_000 }), { minLength: 1, maxLength: 30 }), async (seed, lengths) => {
        const rig = new Rig({ seed, strategy: { kind: 'random' } });
        const expected = new Uint8Array(lengths.reduce((sum, length) => sum + length, 0));
        await rig.run(
          {
            run: async (disk) => {
              const file = await disk.open('f', 'create');
              let offset = 0;
              const writes: Promise<void>[] = [];
              for (const [index, length] of lengths.entries()) {
                expected.fill(index + 1, offset, offset + length);
                writes.push(writeFully(file, offset, expected.slice(offset, offset + length)));
                offset += length;
              }
              await Promise.all(writes);
              await file.sync();
              await disk.syncDirectory('.');
            },
          },
          { run: async (disk) => expect(await everything(disk)).toEqual([['f', Buffer.from(expected).toString('hex')]]) },
        );
      }),
      { numRuns: 100 },
    );
  });
});
