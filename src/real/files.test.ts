import { access, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { diskContract } from '../contract/disk-contract.js';
import { readFully, writeFully } from '../ports.js';
import { openFiles } from './files.js';

diskContract('a directory of the host', async () => {
  const root = await mkdtemp(join(tmpdir(), 'kelpie-files-'));
  return { disk: await openFiles(root), close: () => rm(root, { recursive: true }) };
});

describe('a directory of the host', () => {
  const roots: string[] = [];
  afterEach(async () => {
    await Promise.all(roots.splice(0).map((root) => rm(root, { recursive: true })));
  });
  const temporary = async (): Promise<string> => {
    const root = await mkdtemp(join(tmpdir(), 'kelpie-files-'));
    roots.push(root);
    return root;
  };

  test('a link leads nowhere outside', async () => {
    const [outside, root] = [await temporary(), await temporary()];
    await writeFile(join(outside, 'secret'), 'secret');
    await mkdir(join(outside, 'deep'));
    await symlink(outside, join(root, 'out'));
    await symlink(join(outside, 'secret'), join(root, 'file'));
    const disk = await openFiles(root);
    await expect(disk.open('out/secret', 'read')).rejects.toMatchObject({ code: 'EINVAL' });
    await expect(disk.open('out/new', 'create')).rejects.toMatchObject({ code: 'EINVAL' });
    await expect(disk.open('file', 'read')).rejects.toMatchObject({ code: 'EINVAL' });
    await expect(disk.list('out/deep')).rejects.toMatchObject({ code: 'EINVAL' });
    await expect(disk.remove('out/secret')).rejects.toMatchObject({ code: 'EINVAL' });
    await expect(disk.makeDirectory('out/deep/new')).rejects.toMatchObject({ code: 'ENOTDIR' });
    await expect(access(join(outside, 'new'))).rejects.toThrow();
    await expect(access(join(outside, 'secret'))).resolves.toBeUndefined();
  });

  test('paths that are none are EINVAL', async () => {
    const disk = await openFiles(await temporary());
    for (const path of ['', '.', './f', 'a//b', 'a/', '/etc/passwd', 'a/../b', 'nul\0byte', 'x'.repeat(300)]) {
      await expect(disk.open(path, 'write'), JSON.stringify(path)).rejects.toMatchObject({ name: 'PortError', code: 'EINVAL' });
    }
  });

  test('a root that cannot be one is an error with a code', async () => {
    const root = await temporary();
    await writeFile(join(root, 'file'), '');
    await expect(openFiles(join(root, 'file'))).rejects.toMatchObject({ name: 'PortError', code: 'EEXIST' });
    await expect(openFiles(join(root, 'file', 'below'))).rejects.toMatchObject({ code: 'ENOTDIR' });
  });

  test('asking for more than there is costs no more than there is', async () => {
    const disk = await openFiles(await temporary());
    const file = await disk.open('f', 'create');
    await writeFully(file, 0, new TextEncoder().encode('short'));
    expect((await file.read(0, 2 ** 50)).length).toBe(5);
    expect((await file.read(10, 2 ** 50)).length).toBe(0);
    await file.close();
  });

  test('files outlive the disk that wrote them', async () => {
    const root = await temporary();
    const first = await openFiles(root);
    await first.makeDirectory('a/b');
    const file = await first.open('a/b/f', 'create');
    await writeFully(file, 0, new TextEncoder().encode('kept'));
    await file.sync();
    await file.close();
    await first.syncDirectory('a/b');
    const again = await (await openFiles(root)).open('a/b/f', 'read');
    expect(new TextDecoder().decode(await readFully(again, 0, 10))).toBe('kept');
    await again.close();
  });
});
