/** What README.md shows of the library is run as it stands, so that it stays true. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { STORM_FLAGS } from './commands/storm.js';

const root = join(import.meta.dirname, '..');
const readme = readFileSync(join(root, 'README.md'), 'utf8');

test('the example of the library prints what the page says', () => {
  const [, example = '', output = ''] = /```js\n([\s\S]*?)```[\s\S]*?```text\n([\s\S]*?)```/.exec(readme) ?? [];
  expect(example).toContain("from 'kelpie-dst'");
  // Inside the package its own name means its own exports.
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', example], { cwd: root, encoding: 'utf8' });
  expect({ stdout, stderr }).toEqual({ stdout: output, stderr: '' });
});

test('the commands that the page names run', () => {
  const commands = [...readme.matchAll(/`npx kelpie-dst (run [^`$]*|list \w+)`/g)].map(([, command = '']) => command.split(' '));
  expect(commands.length).toBeGreaterThan(5);
  const cwd = mkdtempSync(join(tmpdir(), 'kelpie-dst-readme-'));
  for (const command of commands) {
    const { status, stderr } = spawnSync(process.execPath, [join(root, 'dist', 'runner', 'cli.js'), ...command], { cwd, encoding: 'utf8' });
    expect({ command, status, stderr }).toEqual({ command, status: 0, stderr: '' });
  }
  rmSync(cwd, { recursive: true });
});

test('the bug of the tour is found by the seed of the tour, and breaks the promise that the page shows', () => {
  const [, command = '', shown = ''] = /\$ npx kelpie-dst (run .*--bug .*)\n[\s\S]*?```text\n(\S+) is broken/.exec(readme) ?? [];
  const { status, stdout } = spawnSync(process.execPath, [join(root, 'dist', 'runner', 'cli.js'), ...command.split(' ')], {
    encoding: 'utf8',
  });
  expect({ status, stdout }).toEqual({ status: 1, stdout: expect.stringContaining(`\n${shown} is broken at`) as string });
});

test('the flags that the workflows pass are flags of the command', () => {
  const flags = new Set(Object.keys(STORM_FLAGS));
  const used = ['ci.yml', 'nightly.yml'].flatMap((name) => {
    const text = readFileSync(join(root, '.github', 'workflows', name), 'utf8');
    return [...text.matchAll(/kelpie-dst storm (.*)/g)].flatMap(([, line = '']) =>
      [...line.matchAll(/--([\w-]+)/g)].map(([, flag = '']) => flag),
    );
  });
  expect(used.length).toBeGreaterThan(6);
  for (const flag of used) expect(flags).toContain(flag);
});
