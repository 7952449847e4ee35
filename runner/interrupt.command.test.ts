/** What long commands leave behind when they are ended from outside, in the middle of their work. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { StormReport } from '../reports/storm-report.js';
import type { CaseFile } from './storm/case-file.js';

const bin = join(import.meta.dirname, '..', 'dist', 'runner', 'cli.js');
const LOOK_EVERY_MS = 50;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kelpie-dst-interrupt-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const read = (...path: string[]): string => (existsSync(join(folder, ...path)) ? readFileSync(join(folder, ...path), 'utf8') : '');

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command, and ends it as soon as `underWay` says so. */
async function endedAt(args: readonly string[], underWay: (stderr: string) => boolean, end: (child: ChildProcess) => void): Promise<Ended> {
  // A process group of its own, as a shell gives it.
  const child = spawn(process.execPath, [bin, ...args], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  const heard = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (heard.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (heard.stderr += text));
  const looking = setInterval(() => {
    if (!underWay(heard.stderr)) return;
    clearInterval(looking);
    end(child);
  }, LOOK_EVERY_MS);
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  clearInterval(looking);
  return { code, ...heard };
}

const inGroup = (signal: NodeJS.Signals) => (child: ChildProcess) => process.kill(-(child.pid as number), signal); // it has begun
/** Ctrl-C reaches every process of the terminal's group; a supervisor's SIGTERM this one alone. */
const WAYS = [
  ['Ctrl-C', inGroup('SIGINT')],
  ['SIGTERM', (child: ChildProcess) => child.kill('SIGTERM')],
] as const;

describe.each(WAYS)('%s', (way, end) => {
  test('ends a storm with the reports and cases of what there is', async () => {
    const out = `storm ${way}`;
    const args = ['storm', '--scenario', 'kv-state-atomicity', '--bug', 'kv-write-through', '--seeds', '5000', '--json', '--out', out];
    const { code, stdout, stderr } = await endedAt(args, () => read(out, 'results.jsonl') !== '', end);
    expect({ code, stderr }).toEqual({ code: 130, stderr: '' });
    const report = JSON.parse(stdout) as StormReport;
    expect(report.stopped).toBe('interrupted');
    expect(report.failed).toBeGreaterThan(0);
    expect(report.seeds + report.notRun).toBe(5_000);
    // That its processes end does not count as a finding.
    expect(report.twins.differed).toBe(0);
    expect(JSON.parse(read(out, 'report.json'))).toEqual(report);
    expect(read(out, 'junit.xml')).toContain('<testsuite');
    expect(readdirSync(join(folder, out, 'failures'))).toHaveLength(report.failures.length);
  }, 120_000);

  test('ends a search with how far it came', async () => {
    const args = ['explore', '--scenario', 'kv-state-atomicity', '--depth', '100', '--faults', '3', '--runs', '1000000'];
    const { code, stdout } = await endedAt(args, (stderr) => stderr.includes(' runs, '), end);
    expect(code).toBe(130);
    expect(stdout).toMatch(/not exhausted, and nothing broke: interrupted \(\d+ of [\d ]+ routes known by now were run/);
  }, 120_000);

  test('ends shrinking with the smallest case so far', async () => {
    const out = `shrunk ${way}.json`;
    const args = ['shrink', '2', '--bug', 'kv-write-through', '--out', out];
    const { code, stdout } = await endedAt(args, (stderr) => stderr.includes(' runs  '), end);
    expect(code).toBe(130);
    expect(stdout).toMatch(/Shrunk in \d+ runs?; it was interrupted, so more may be possible:/);
    expect(stdout).toContain('What happens without each thing that is left was not tried.');
    const { case: small, expected, log } = JSON.parse(read(out)) as CaseFile;
    expect(small.bug).toBe('kv-write-through');
    expect(expected.verdict).toBe('violation');
    expect(log?.length).toBeGreaterThan(0);
  }, 120_000);
});

test('a storm that was killed outright is resumed, and says what one says that was not', async () => {
  const args = ['storm', '--scenario', 'kv-state-atomicity', '--bug', 'kv-write-through', '--seeds', '40', '--json', '--no-shrink'];
  const never = (): boolean => false;
  const timeless = ({ stdout }: Ended) => ({ ...(JSON.parse(stdout) as StormReport), wallMs: 0, seedsPerSecond: 0 });
  const killed = await endedAt([...args, '--out', 'killed'], () => read('killed', 'results.jsonl') !== '', inGroup('SIGKILL'));
  expect(killed).toEqual({ code: null, stdout: '', stderr: '' });
  expect(read('killed', 'report.json')).toBe('');
  expect(read('killed', 'results.jsonl').split('\n').length - 1).toBeLessThan(5);
  const resumed = await endedAt([...args, '--out', 'killed', '--resume'], never, inGroup('SIGKILL'));
  const whole = await endedAt([...args, '--workers', '1'], never, inGroup('SIGKILL'));
  expect(timeless(resumed)).toEqual(timeless(whole));
  expect(timeless(whole)).toMatchObject({ seeds: 40, notRun: 0, stopped: null });
}, 120_000);
