/** `explore` as users call it. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { CaseFile } from '../storm/case-file.js';

const bin = join(import.meta.dirname, '..', '..', 'dist', 'runner', 'cli.js');

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kelpie-dst-explore-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function kelpie(...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [bin, ...args], { cwd: folder, encoding: 'utf8' });
  return { code: status, stdout, stderr };
}

interface Document {
  readonly verdict: string;
  readonly exhausted: boolean;
  readonly cutShort: string | null;
  readonly runs: number;
  readonly routes: number;
  readonly states: number;
  readonly beyond: number;
  readonly decisions: number;
  readonly wallMs: number;
  readonly traceHash: string | null;
  readonly saved?: string;
  readonly violations: readonly { readonly invariant: string }[];
}

test.each([
  ['single-activation-race', 'racy-claim', 'single-activation'],
  ['kv-state-atomicity', 'kv-write-through', 'buffer-empty-when-idle'],
])('%s finds %s, and saves what replays to the same events', (scenario, bug, invariant) => {
  const { code, stdout } = kelpie('explore', '--scenario', scenario, '--bug', bug, '--json');
  expect(code).toBe(1);
  const found = JSON.parse(stdout) as Document;
  expect(found).toMatchObject({ verdict: 'violation', cutShort: 'failure', exhausted: false, saved: `${scenario}-${bug}.explored.json` });
  expect(found.violations[0]?.invariant).toBe(invariant);
  const file = JSON.parse(readFileSync(join(folder, found.saved ?? ''), 'utf8')) as CaseFile;
  expect(file.expected.traceHash).toBe(found.traceHash);
  expect(kelpie('replay', found.saved ?? '')).toMatchObject({ code: 1, stdout: expect.stringMatching(/^reproduced: /m) as string });
});

test('proves the correct runtime clean at a bound, alike on one worker and on two', () => {
  const [one, two] = ['1', '2'].map((workers) => {
    const { code, stdout } = kelpie('explore', '--scenario', 'kv-state-atomicity', '--depth', '5', '--workers', workers, '--json');
    expect(code).toBe(0);
    return { ...(JSON.parse(stdout) as Document), wallMs: 0 };
  });
  expect(one).toMatchObject({ verdict: 'pass', exhausted: true, cutShort: null });
  expect(one?.runs).toBe(one?.routes);
  expect(one?.runs).toBeGreaterThan(10);
  expect(one?.beyond).toBeGreaterThan(0);
  expect(two).toEqual(one);
  expect(existsSync(join(folder, 'kv-state-atomicity.explored.json'))).toBe(false);
});

test('says plainly that a bound on runs was reached', () => {
  const { code, stdout } = kelpie('explore', '--scenario', 'kv-state-atomicity', '--runs', '3', '--workers', '1');
  expect(code).toBe(0);
  expect(stdout).toMatch(
    /not exhausted, and nothing broke: the bound on runs is reached \(3 of \d+ routes known by now were run; all with fewer than 1 turn were\)/,
  );
});

test('refuses what it cannot search, and says what it can', () => {
  const { code, stderr } = kelpie('explore', '--scenario', 'forwarding');
  expect(code).toBe(2);
  expect(stderr).toMatch(/'forwarding' has no small case to explore; kelpie-cluster, kv-state-atomicity, single-activation-race have one/);
  expect(kelpie('explore', '--depth', 'deep')).toMatchObject({ code: 2, stderr: expect.stringMatching(/--depth 'deep'/) as string });
});
