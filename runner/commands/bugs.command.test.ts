/** `bugs` as users run it. Runs the build, because a thread loads no TypeScript. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Detection } from '../bugs/detection.js';

const bin = join(import.meta.dirname, '..', '..', 'dist', 'runner', 'cli.js');

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kelpie-dst-bugs-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function bugs(...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [bin, 'bugs', ...args], { cwd: folder, encoding: 'utf8' });
  return { code: status, stdout, stderr };
}

const documentOf = (stdout: string): readonly Detection[] => JSON.parse(stdout) as readonly Detection[];

test('known bugs are found, whatever the number of workers, and their page is a gate', { timeout: 120_000 }, () => {
  const asked = ['kv-write-through', 'state-only-commit', '--storms', '2', '--json'];
  const one = bugs(...asked, '--workers', '1', '--out', 'page.md');
  expect({ code: one.code, stderr: one.stderr }).toEqual({ code: 0, stderr: '' });
  const rows = documentOf(one.stdout);
  expect(rows).toMatchObject([
    { id: 'kv-write-through', found: true, spec: 'KelpieActorState/WriteThrough', agrees: true, alsoWithout: 0 },
    { id: 'state-only-commit', found: true, spec: 'KelpieActorState/StateOnlyCommit', agrees: true, alsoWithout: 0 },
  ]);
  for (const { seedsMedian, seeds, invariant } of rows) {
    expect(seeds).toHaveLength(2);
    expect(seeds).toContain(seedsMedian);
    expect(invariant).toBeTruthy();
  }
  const withoutTime = (row: Detection): Detection => ({ ...row, seconds: 0 });
  const two = bugs(...asked, '--workers', '2');
  expect(documentOf(two.stdout).map(withoutTime)).toEqual(rows.map(withoutTime));

  expect(readFileSync(join(folder, 'page.md'), 'utf8')).toContain('2 of 2 bugs are found');
  const gate = bugs('--gate', 'page.md', '--storms', '1', '--from', '5');
  expect(gate.code).toBe(0);
  expect(gate.stdout).toMatch(/^2 of 2 known bugs are found$/m);
});

test('a bug that is not found is exit code 1', { timeout: 60_000 }, () => {
  // A scenario without agents has no journal.
  const { code, stdout } = bugs('wal-no-replay', '--storms', '1', '--seeds', '1', '--workers', '1', '--scenario', 'kv-state-atomicity');
  expect(code).toBe(1);
  expect(stdout).toContain('0 of 1 known bugs are found; not found: wal-no-replay');
});

test.each<[readonly string[], readonly string[]]>([
  [['racyclaim'], ["there is no bug 'racyclaim'; did you mean 'racy-claim'?", 'list bugs']],
  [['--storms', '0'], ["--storms '0' is no whole number from 1"]],
  [['--scenario', 'kelpie-clustr'], ["did you mean 'kelpie-cluster'?"]],
  [
    ['--gate', 'nowhere.md'],
    ['--gate nowhere.md cannot be read', 'bugs --out nowhere.md'],
  ],
  [['--gate', 'empty.md'], ['it has no bug that is found within']],
])('%j is refused', (args, texts) => {
  writeFileSync(join(folder, 'empty.md'), '# nothing\n');
  const { code, stdout, stderr } = bugs(...args);
  expect(code).toBe(2);
  expect(stdout).toBe('');
  for (const text of texts) expect(stderr).toContain(text);
});
