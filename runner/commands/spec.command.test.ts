/** `spec` as it is built, judged by what a user sees: exit code, stdout, stderr. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const bin = join(import.meta.dirname, '..', '..', 'dist', 'runner', 'cli.js');
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kelpie-dst-spec-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function spec(
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): { readonly code: number | null; readonly stdout: string; readonly stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [bin, 'spec', ...args], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, ...env },
  });
  return { code: status, stdout, stderr };
}

describe('spec check', () => {
  test('prints a line for each configuration and a closing one', () => {
    const { code, stdout, stderr } = spec(['check', 'actor-state', 'KelpieCheckpoint']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const lines = stdout.trimEnd().split('\n');
    expect(lines[0]).toMatch(/configuration +engine +verdict +invariant +states +depth +seconds$/);
    expect(stdout).toMatch(/^ ✓ KelpieActorState +embedded holds +160 +12 +\d+\.\d\d$/m);
    expect(stdout).toMatch(/^ ✓ KelpieActorState_NoRollback +embedded violated RollbackCorrectness +\d+ +6 /m);
    expect(stdout).toMatch(/^ - KelpieCheckpoint_Liveness +embedded skipped +checked by tlc alone$/m);
    expect(lines.at(-1)).toBe(`all ${lines.length - 2} are as they should be`);
  });

  test('--json prints one document with every figure', () => {
    const { code, stdout } = spec(['check', 'ActorState', '--json']);
    const { results } = JSON.parse(stdout) as { readonly results: readonly Readonly<Record<string, unknown>>[] };
    expect(code).toBe(0);
    expect(results[0]).toMatchObject({
      module: 'KelpieActorState',
      config: 'KelpieActorState.cfg',
      engine: 'embedded',
      expected: 'holds',
      verdict: 'holds',
      ok: true,
      invariant: null,
      distinctStates: 160,
      depth: 12,
      seconds: expect.any(Number) as number,
    });
    expect(results.find(({ config }) => config === 'KelpieActorState_WriteThrough.cfg')).toMatchObject({
      expected: 'violated',
      verdict: 'violated',
      invariant: 'NoPartialState',
    });
  });

  test('a bound that is too short is a failure of that configuration, and exit code 1', () => {
    const { code, stdout } = spec(['check', 'cluster-membership', '--timeout', '1ms']);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^ ✗ KelpieClusterMembership +embedded error .*did not finish within 0\.001 s$/m);
    expect(stdout).toMatch(/^\d+ of \d+ are not as they should be$/m);
  });

  test.each([
    [
      'a spec that is not there',
      ['check', 'wla'],
      /^kelpie-dst: there is no spec 'wla'; did you mean 'wal'\?\nThe specs are ActorLifecycle, /,
    ],
    ['an engine that is not there', ['check', '--engine', 'apalache'], /^kelpie-dst: --engine 'apalache' is none of embedded, tlc, both/],
    ['an engine given twice', ['check', '--engine', 'tlc', '--engine', 'both'], /^kelpie-dst: --engine is given 2 times/],
    [
      'a jar that is not there',
      ['check', 'wal', '--engine', 'both', '--tlc-jar', 'none.jar'],
      /^kelpie-dst: there is no TLC at none\.jar; /,
    ],
    ['no command', [], /^kelpie-dst: a command of spec is missing/],
  ])('%s is wrong usage', (_, args, message) => {
    const { code, stdout, stderr } = spec(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(message);
  });

  test('a file that is no jar is told before anything is checked', () => {
    writeFileSync(join(folder, 'junk.jar'), 'junk');
    const { code, stderr } = spec(['check', '--engine', 'tlc'], { TLA2TOOLS_JAR: join(folder, 'junk.jar') });
    expect(code).toBe(2);
    expect(stderr).toMatch(/junk\.jar is not tla2tools\.jar: it holds no tlc2\/TLC\.class/);
  });

  test('a Java that is not there is told', () => {
    writeFileSync(join(folder, 'like.jar'), 'PK\u0003\u0004 tlc2/TLC.class');
    const { code, stderr } = spec(['check', 'wal', '--engine', 'tlc', '--tlc-jar', 'like.jar'], { JAVA_HOME: join(folder, 'none') });
    expect(code).toBe(2);
    expect(stderr).toMatch(/TLC needs Java, and '.*none\/bin\/java' cannot be started \(ENOENT\); install a Java runtime/);
  });

  test('Ctrl-C ends it at once', async () => {
    const child = spawn(process.execPath, [bin, 'spec', 'check'], { cwd: folder, stdio: ['ignore', 'pipe', 'ignore'] });
    await once(child.stdout, 'data');
    child.kill('SIGINT');
    const [code] = (await once(child, 'exit')) as [number | null];
    expect(code).toBe(130);
  });
});

describe('spec install-tlc', () => {
  test('refuses another version and says what it expected', () => {
    writeFileSync(join(folder, 'other.jar'), 'another version');
    const { code, stdout, stderr } = spec(['install-tlc', '--from', 'other.jar'], { XDG_CACHE_HOME: join(folder, 'cache') });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(
      /^kelpie-dst: other\.jar is not release 1\.7\.4 of tla2tools\.jar: expected 2274532 bytes with SHA-256 936a2620/,
    );
  });
});
