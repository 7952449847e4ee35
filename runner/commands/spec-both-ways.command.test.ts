/** `spec coverage`, `spec trace` and `spec replay` as they are built, judged by what a user sees: exit code, stdout, stderr. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TraceEvent } from '../../src/trace.js';

const bin = join(import.meta.dirname, '..', '..', 'dist', 'runner', 'cli.js');
const TIMEOUT_MS = 120_000;
let folder: string;

function run(args: readonly string[]): { readonly code: number | null; readonly stdout: string; readonly stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [bin, ...args], {
    cwd: folder,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  return { code: status, stdout, stderr };
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kelpie-dst-both-ways-'));
  const { code, stderr } = run(['run', '--seed', '42', '--sim-time', '5s', '--trace', 'run.jsonl']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
}, TIMEOUT_MS);
afterAll(() => rmSync(folder, { recursive: true }));

interface CoverageDocument {
  readonly runs: number;
  readonly failed: number;
  readonly specs: readonly {
    readonly module: string;
    readonly statesVisited: number;
    readonly statesReachable: number;
    readonly transitionsVisited: number;
    readonly transitionsReachable: number;
    readonly statesCertain: number;
    readonly unreached: {
      readonly states: readonly object[];
      readonly actions: readonly { readonly action: string; readonly never: number; readonly of: number }[];
      readonly values: readonly { readonly where: string; readonly visited: number; readonly reachable: number }[];
    };
  }[];
}

describe('spec coverage', { timeout: TIMEOUT_MS }, () => {
  const storm = ['spec', 'coverage', '--scenario', 'wal-recovery', '--seeds', '4', '--workers', '1'];

  test('says what a storm visits of a spec, where it visits the least, and what it never does', () => {
    const { code, stdout, stderr } = run([...storm, 'wal', 'KelpieLease']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^spec +states +of +transitions +of +certain$/m);
    expect(stdout).toMatch(/^KelpieWAL +[1-9]\d* +3736 +\d+ % +[1-9]\d* +\d+ +\d+ % +\d+$/m);
    expect(stdout).toMatch(/^KelpieLease +0 +\d+ +0 % +0 +\d+ +0 % +0$/m);
    expect(stdout).toMatch(/^KelpieWAL visits the least of the states with\n {2}\S.* +\d+ of \d+$/m);
    expect(stdout).toMatch(/^KelpieWAL is never in\n {2}client = .*\n {2}client = .*\n {2}and \d+ more; --json has all$/m);
    expect(stdout).toMatch(/^KelpieLease never takes AcquireCommit/m);
    expect(stdout).not.toMatch(/KelpieRegistry/);
    expect(stdout).toMatch(/^4 runs, 0 failed\. /m);
  });

  test('--json has every state, transition and value that was never visited', () => {
    const { code, stdout } = run([...storm, 'wal', '--json']);
    expect(code).toBe(0);
    const { runs, failed, specs } = JSON.parse(stdout) as CoverageDocument;
    expect({ runs, failed, modules: specs.map(({ module }) => module) }).toEqual({ runs: 4, failed: 0, modules: ['KelpieWAL'] });
    const [wal] = specs;
    expect(wal?.unreached.states.length).toBe((wal?.statesReachable ?? 0) - (wal?.statesVisited ?? 0));
    const never = (wal?.unreached.actions ?? []).reduce((sum, action) => sum + action.never, 0);
    expect(never).toBe((wal?.transitionsReachable ?? 0) - (wal?.transitionsVisited ?? 0));
    const phases = wal?.unreached.values.filter(({ where }) => where.startsWith('phase = ')) ?? [];
    expect(phases.reduce((sum, phase) => sum + phase.reachable - phase.visited, 0)).toBe(wal?.unreached.states.length);
  });

  test.each([
    ['a spec that is not there', ['waal'], /^kelpie-dst: there is no spec 'waal'; did you mean 'wal'\?/],
    ['a scenario that is not there', ['--scenario', 'kelpie-clster'], /^kelpie-dst: there is no scenario 'kelpie-clster'; did you mean /],
    ['no number of seeds', ['--seeds', 'many'], /^kelpie-dst: --seeds 'many' is no whole number from 1 to /],
    ['no worker', ['--workers', '0'], /^kelpie-dst: --workers '0' is no whole number from 1 to 256/],
  ])('%s is wrong usage', (_, args, message) => {
    const { code, stdout, stderr } = run(['spec', 'coverage', ...args]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(message);
  });
});

describe('spec trace', { timeout: TIMEOUT_MS }, () => {
  test('a run that passed is matched to its end', () => {
    const { code, stdout, stderr } = run(['spec', 'trace', 'run.jsonl', '--module', 'ActorLifecycle', '--out', 'modules']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^ ✓ KelpieActorLifecycleTrace1 +embedded +\d+ +\d+ matched +\d+ +\d+\.\d\d$/m);
    expect(stdout).toMatch(/^all \d+ walks are matched to their ends$/m);
    expect(readdirSync(join(folder, 'modules')).slice(0, 2)).toEqual(['KelpieActorLifecycleTrace1.cfg', 'KelpieActorLifecycleTrace1.tla']);
    expect(readFileSync(join(folder, 'modules', 'KelpieActorLifecycleTrace1.tla'), 'utf8')).toMatch(
      /^-+ MODULE KelpieActorLifecycleTrace1 -+$/m,
    );
  });

  test('one that lacks an event is rejected, with the place and what was allowed', () => {
    const lines = readFileSync(join(folder, 'run.jsonl'), 'utf8').trim().split('\n');
    const lost = lines.findIndex((line) => (JSON.parse(line) as TraceEvent).body.type === 'activate.done');
    writeFileSync(join(folder, 'altered.jsonl'), lines.filter((_, at) => at !== lost).join('\n'));
    const { code, stdout } = run(['spec', 'trace', 'altered.jsonl', '--module', 'actor-lifecycle']);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^ ✗ KelpieActorLifecycleTrace1 +embedded +1 +\d+ rejected /m);
    expect(stdout).toMatch(/^✗ KelpieActorLifecycle, walk '.*': \d+ of \d+ observations are matched, the next one is not: Start$/m);
    expect(stdout).toMatch(/^ {2}told by event \d+, invoke\.start of n\d at \d+\.\d{6} s$/m);
    expect(stdout).toMatch(/^ {2}in the state .*phase = "Activating"/m);
    expect(stdout).toMatch(/^ {2}allowed: ActivateDone, /m);
    expect(stdout).toMatch(/^1 of \d+ walks are rejected$/m);
  });

  test('--json prints one document', () => {
    const { code, stdout } = run(['spec', 'trace', 'run.jsonl', '--module', 'KelpieLease', '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      file: 'run.jsonl',
      rows: [{ module: 'KelpieLeaseTrace1', engine: 'embedded', verdict: 'matched' }],
      rejections: [],
      disagreements: [],
    });
  });

  test('a case file is run again, and its run is checked', () => {
    // A seed of this scenario that a log with two entries under one key breaks.
    const storm = ['storm', '--scenario', 'wal-recovery', '--bug', 'wal-duplicate-key', '--seeds', '5', '--workers', '1', '--out', 'found'];
    expect(run(storm).code).toBe(1);
    const file = readdirSync(join(folder, 'found', 'failures')).find((name) => name.endsWith('.min.json'));
    const { code, stdout, stderr } = run(['spec', 'trace', join('found', 'failures', file ?? ''), '--module', 'wal']);
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
    expect(stdout).toMatch(/^the case was run again: violation, as when it was saved$/m);
    expect(stdout).toMatch(/^✗ KelpieWAL, walk 'n1 pair \d+': \d+ of \d+ observations are matched, the next one is not: Sync k\d$/m);
    expect(JSON.parse(run(['spec', 'trace', join('found', 'failures', file ?? ''), '--module', 'wal', '--json']).stdout)).toMatchObject({
      rerun: { verdict: 'violation', before: { verdict: 'violation' } },
    });
  });

  test.each([
    [
      'a document that is neither a trace nor a case',
      ['document.json'],
      /^kelpie-dst: 'document\.json' is no case file: its format is not stated, not "kelpie-dst-case"; 'kelpie-dst storm --out DIR' writes case files/,
    ],
    ['a case file that is broken', ['broken.json'], /^kelpie-dst: 'broken\.json' is of version 7, and this kelpie-dst reads version 1/],
    [
      'a file that is not there',
      ['none.jsonl'],
      /^kelpie-dst: the trace 'none\.jsonl' cannot be read: ENOENT.*'kelpie-dst run --trace FILE' writes one/,
    ],
    [
      'a spec that is not there',
      ['run.jsonl', '--module', 'Leese'],
      /^kelpie-dst: --module 'Leese' is no spec that runs are mapped to; did you mean 'lease'/,
    ],
    [
      'a walk that is not there',
      ['run.jsonl', '--module', 'Lease', '--walk', 'nobody'],
      /^kelpie-dst: --walk 'nobody' is no walk of 'run\.jsonl' through Lease/,
    ],
    [
      'the run of another program',
      ['other.jsonl'],
      /^kelpie-dst: none of the 1 events of 'other\.jsonl' is a step of .*: is it the run of another program\?/,
    ],
    [
      'an engine that is not there',
      ['run.jsonl', '--engine', 'apalache'],
      /^kelpie-dst: --engine 'apalache' is none of embedded, tlc, both/,
    ],
    ['a jar that is not there', ['run.jsonl', '--engine', 'tlc', '--tlc-jar', 'none.jar'], /^kelpie-dst: there is no TLC at none\.jar/],
  ])('%s is wrong usage', (_, args, message) => {
    writeFileSync(join(folder, 'document.json'), '{\n  "a": 1\n}\n');
    writeFileSync(join(folder, 'broken.json'), '{"format":"kelpie-dst-case","version":7}');
    writeFileSync(join(folder, 'other.jsonl'), '{"index":0,"at":0,"node":"n1","life":1,"cause":-1,"body":{"type":"weather.rain"}}\n');
    const { code, stdout, stderr } = run(['spec', 'trace', ...args]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(message);
  });
});

describe('spec replay', { timeout: TIMEOUT_MS }, () => {
  test('tells step by step what was done and told, the same violation, and where the correct runtime goes past it', () => {
    const { code, stdout, stderr } = run(['spec', 'replay', 'single-activation', 'RacyClaim']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(
      /^KelpieSingleActivation_RacyClaim violates SingleActivation in 6 steps; the runtime with racy-claim, along them:$/m,
    );
    expect(stdout).toMatch(/^ {3}3 ClaimCommit\("n1"\) {2}the claim of n1 is let through$/m);
    expect(stdout).toMatch(/^ +n1 claim\.commit token=1$/m);
    expect(stdout).toMatch(/^ {2}the same violation: SingleActivation is broken/m);
    expect(stdout).toMatch(/^the correct runtime goes past it at ClaimCommit\("n2"\): the database refuses the commit \(1020\)$/m);
  });

  test('--json prints one document', () => {
    const { code, stdout } = run(['spec', 'replay', 'KelpieActorState', 'KelpieActorState_WriteThrough', '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      module: 'KelpieActorState',
      config: 'KelpieActorState_WriteThrough',
      invariant: 'NoPartialState',
      bug: 'kv-write-through',
      counterexample: ['Activate', 'InvokeStart', 'PutKv'],
      ok: true,
      buggy: { departure: null, steps: [{ action: 'Activate' }, { action: 'InvokeStart' }, { action: 'PutKv' }] },
      correct: { violations: [], divergences: [] },
    });
  });

  test.each([
    [
      'a module that is not there',
      ['Waal', 'NoReplay'],
      /^kelpie-dst: there is no spec 'Waal'; did you mean 'wal'\?\nReplay knows ActorState, SingleActivation, WAL/,
    ],
    ['a module without a direction', ['Lease', 'NoGrace'], /^kelpie-dst: counterexamples of KelpieLease cannot be replayed/],
    [
      'a bug of another module',
      ['wal', 'RacyClaim'],
      /^kelpie-dst: KelpieWAL has no bug 'RacyClaim'\nThose that can be replayed: AckBeforeSync, /,
    ],
    ['no bug', ['wal'], /^kelpie-dst: which bug of KelpieWAL is missing\nThose that can be replayed: AckBeforeSync, /],
  ])('%s is wrong usage', (_, args, message) => {
    const { code, stdout, stderr } = run(['spec', 'replay', ...args]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(message);
  });
});
