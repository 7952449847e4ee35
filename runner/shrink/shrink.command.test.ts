/** `shrink` as users call it. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { StormReport } from '../../reports/storm-report.js';
import type { CaseFile } from '../storm/case-file.js';
import type { Sizes } from './shrink.js';

const bin = join(import.meta.dirname, '..', '..', 'dist', 'runner', 'cli.js');

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kelpie-dst-shrink-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function kelpie(...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [bin, ...args], { cwd: folder, encoding: 'utf8' });
  return { code: status, stdout, stderr };
}

/** What a case may have left besides things that are counted. */
const UNCOUNTED: readonly string[] = ['bug', 'network', 'grid', 'schedule'];

interface Document {
  readonly from: Sizes;
  readonly to: Sizes;
  readonly runs: number;
  readonly minimal: boolean;
  readonly saved: string;
  readonly violations: readonly { readonly invariant: string }[];
  readonly necessity: readonly {
    readonly kind: string;
    readonly ownSeed: { readonly failsAlike: boolean };
    readonly failing: number | null;
  }[];
}

describe('shrink', () => {
  const [scenario, bug] = ['registry-capacity', 'racy-register'];
  let seed: string;
  let small: string;
  beforeAll(() => {
    const { stdout } = kelpie('storm', '--scenario', scenario, '--bug', bug, '--fail-fast', '--json');
    seed = String((JSON.parse(stdout) as StormReport).failures[0]?.smallest.seed);
    small = `${scenario}-${bug}-${seed}.min.json`;
  }, 120_000);

  test('makes a failing seed small, saves it, and says what each thing left is needed for', () => {
    const { code, stdout } = kelpie('shrink', seed, '--scenario', scenario, '--bug', bug, '--json');
    expect(code).toBe(1);
    const { from, to, runs, saved, violations, necessity } = JSON.parse(stdout) as Document;
    expect(to.operations).toBeLessThanOrEqual(12);
    expect(to.faults).toBeLessThanOrEqual(2);
    expect(to.operations).toBeLessThan(from.operations);
    // A capacity that nobody calls on is not exceeded.
    expect(to.operations).toBeGreaterThan(0);
    expect(runs).toBeGreaterThan(10);
    expect(saved).toBe(small);
    const [everything, ...things] = necessity;
    expect(everything).toMatchObject({ kind: 'everything', ownSeed: { failsAlike: true } });
    expect(things.length).toBe(
      to.operations + to.faults + to.knobs + to.rareWays + things.filter(({ kind }) => UNCOUNTED.includes(kind)).length,
    );
    // What another seed can do without was left out with that seed.
    for (const { ownSeed, failing } of things) expect({ alike: ownSeed.failsAlike, failing }).toEqual({ alike: false, failing: 0 });
    const file = JSON.parse(readFileSync(join(folder, small), 'utf8')) as CaseFile;
    expect(file.expected.invariant).toBe(violations[0]?.invariant);
    expect(file.case.workload.operations).toHaveLength(to.operations);
  });

  test('saves what replays, and can be shrunk again to the same', () => {
    expect(kelpie('replay', small)).toMatchObject({ code: 1, stdout: expect.stringMatching(/^reproduced: /m) as string });
    const { code, stdout } = kelpie('shrink', small, '--out', 'again.json', '--workers', '1');
    expect(code).toBe(1);
    expect(stdout).toMatch(/nothing more can be left out/);
    expect(stdout).toMatch(/What happens without each thing that is left:/);
    const [one, other] = [small, 'again.json'].map((name) => (JSON.parse(readFileSync(join(folder, name), 'utf8')) as CaseFile).case);
    expect(other).toEqual(one);
  });

  test('takes the smallest so far at a bound', () => {
    const { stdout } = kelpie('shrink', '2', '--bug', 'kv-write-through', '--runs', '1', '--out', 'bounded.json');
    expect(stdout).toMatch(/a bound was reached, so more may be possible/);
    // Twenty seeds without each of fifty operations would take longer than anybody waits who sets a bound.
    expect(stdout).toMatch(/not tried: too much is left/);
    expect(existsSync(join(folder, 'bounded.json'))).toBe(true);
  });

  test.each([
    [['shrink', '2'], /^kelpie-dst: 2 passes, so there is nothing to shrink/],
    [['shrink', 'nothing.json'], /^kelpie-dst: 'nothing.json' cannot be read: ENOENT/],
    [['shrink', 'broken.json'], /^kelpie-dst: 'broken.json' is no JSON/],
    [['shrink', '2', '--runs', '0'], /--runs/],
    [['shrink', '2', '--scenario', 'kelpie-clustre'], /did you mean 'kelpie-cluster'/],
    [
      ['shrink', '2', '--bug', 'kv-write-through', '--out', 'nowhere/x.json'],
      /^kelpie-dst: the small case cannot be written to 'nowhere\/x.json'/,
    ],
    [['shrink', 'found/some.json', '--bug', 'racy-claim'], /leave --scenario and --bug out/],
  ])('refuses %j', (args, message) => {
    writeFileSync(join(folder, 'broken.json'), '{');
    const { code, stdout, stderr } = kelpie(...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(message);
  });
});
