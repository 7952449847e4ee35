/** The built command, judged by what a user sees: exit code, stdout, stderr. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const bin = join(import.meta.dirname, '..', 'dist', 'runner', 'cli.js');
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kelpie-dst-cli-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

interface Seen {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function kelpie(...args: readonly string[]): Seen {
  const { status, stdout, stderr } = spawnSync(process.execPath, [bin, ...args], { cwd: folder, encoding: 'utf8' });
  return { code: status, stdout, stderr };
}

/** A run that is short and passes. */
const QUICK = ['run', '--profile', 'none', '--sim-time', '1s'];

interface Document {
  readonly seed: number | string;
  readonly verdict: string;
  readonly traceHash: string;
  readonly traceEvents: number;
  readonly reproduce: string;
  readonly violations: readonly { readonly invariant: string; readonly spec?: string }[];
}
const documentOf = ({ stdout }: Seen): Document => JSON.parse(stdout) as Document;

describe('help', () => {
  test('of the command names every subcommand and the exit codes', () => {
    const { code, stdout, stderr } = kelpie('--help');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('kelpie-dst run');
    expect(stdout).toContain('kelpie-dst list <catalogue>');
    expect(stdout).toContain('Exit codes: 0 clean, 1 a bug was found, 2 wrong usage or environment, 130 interrupted.');
  });

  test.each(['run', 'list'])('of %s has an example', (command) => {
    const { code, stdout } = kelpie(command, '--help');
    expect(code).toBe(0);
    expect(stdout).toContain('Examples:');
    expect(stdout).toContain(`kelpie-dst ${command} `);
  });

  test('is the same in every language', () => {
    const { stdout } = spawnSync(process.execPath, [bin, '--help'], { encoding: 'utf8', env: { ...process.env, LC_ALL: 'de_DE.UTF-8' } });
    expect(stdout).toBe(kelpie('--help').stdout);
  });

  test('--version is that of the package', () => {
    const manifest = JSON.parse(readFileSync(join(import.meta.dirname, '..', 'package.json'), 'utf8')) as { readonly version: string };
    expect(kelpie('--version')).toEqual({ code: 0, stdout: `${manifest.version}\n`, stderr: '' });
  });
});

describe('bad input is named, with the remedy, on stderr alone, and ends with 2:', () => {
  test.each<readonly [args: readonly string[], ...says: readonly string[]]>([
    [[], 'a command is missing', "See 'kelpie-dst --help'"],
    [['rum'], "did you mean 'run'?"],
    [['run', 'kelpie-cluster'], 'kelpie-cluster'],
    [['run', '--sead', '42'], 'sead', "did you mean '--seed'?", "See 'kelpie-dst run --help'"],
    [['run', '--seed', 'abc'], "'abc' is no seed", '40 lower-case hex digits of a git commit'],
    [['run', '--seed', '-1'], "'-1' is no seed"],
    [['run', '--seed', '1.5'], "'1.5' is no seed"],
    [['run', '--seed', '9007199254740993'], 'seed 9007199254740993 is too large; the largest is 9007199254740991'],
    [['run', '--seed', ''], '--seed is empty'],
    [['run', '--seed'], 'seed'],
    [['run', '--seed', '1', '--seed', '2'], '--seed is given 2 times (1, 2); give it once'],
    [['run', '--scenario', 'kelpie-clutser'], "there is no scenario 'kelpie-clutser'; did you mean 'kelpie-cluster'?", 'list scenarios'],
    [['run', '--fault', 'loss'], "there is no fault 'loss'; did you mean 'network/loss'", 'list faults'],
    [['run', '--fault', 'entirely-unlike-any'], "there is no fault 'entirely-unlike-any'\n", 'list faults'],
    [['run', '--fault'], 'fault'],
    [
      ['run', '--scenario', 'zombie-owner', '--fault', 'disk/read-fail'],
      "fault 'disk/read-fail' needs disk, which scenario 'zombie-owner' does not have",
      "'kelpie-dst list scenarios --json' says what each one offers",
    ],
    [['run', '--bug', 'racyclaim'], "there is no bug 'racyclaim'; did you mean 'racy-claim'?", 'list bugs'],
    [['run', '--profile', 'wild'], "--profile 'wild' is none of none, calm, swarm, all, beyond-budget"],
    [['run', '--strategy', 'fifo'], "--strategy 'fifo' is none of random, pct, pos"],
    [
      ['run', '--profile', 'none', '--fault', 'network/loss'],
      '--profile none asks for no fault, and --fault for network/loss only; leave one',
    ],
    [['run', '--profile', 'all', '--fault', 'network/loss'], '--profile all asks for every fault'],
    [['run', '--sim-time', '60'], "--sim-time '60' is no duration; write a number and a unit, such as 500ms, 60s or 10m"],
    [['run', '--sim-time', '0s'], "--sim-time '0s' is shorter than one microsecond"],
    [['run', '--sim-time', '1us'], 'the chaos phase must last from 1 ms to 365 days of simulated time, not 1 us'],
    [['run', '--sim-time', '100000h'], 'the chaos phase must last from 1 ms to 365 days'],
    [['run', '--hang-timeout', 'soon'], "--hang-timeout 'soon' is no duration"],
    [
      ['run', '--trace', 'missing/trace.jsonl'],
      "the trace cannot be written to 'missing/trace.jsonl'",
      'name a file in a folder that exists',
    ],
    [['run', '--trace', '.'], "the trace cannot be written to '.'"],
    [['run', '--seed', 'abc', '--json'], "'abc' is no seed"],
    [['list'], 'Not enough non-option arguments'],
    [['list', 'fault'], "there is no catalogue 'fault'; did you mean 'faults'?", 'scenarios, faults, invariants, specs, bugs'],
    [['list', 'faults', '--jsn'], "did you mean '--json'?"],
  ])('%j', (args, ...says) => {
    const { code, stdout, stderr } = kelpie(...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    for (const text of says) expect(stderr).toContain(text);
    // A message, not the insides of the tool.
    expect(stderr).not.toMatch(/^\s+at /m);
  });

  test('a trace that cannot be written leaves nothing behind', () => {
    mkdirSync(join(folder, 'is-a-folder'));
    const before = readdirSync(folder);
    expect(kelpie('run', '--trace', 'is-a-folder').code).toBe(2);
    expect(readdirSync(folder)).toEqual(before);
  });
});

describe('run', () => {
  test('prints the seed first, then what was drawn, the verdict, and the command that does it again', () => {
    const { code, stdout, stderr } = kelpie(...QUICK, '--seed', '42');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const lines = stdout.split('\n');
    expect(lines[0]).toBe('seed 42  scenario kelpie-cluster  profile none');
    for (const label of ['world', 'chaos', 'schedule', 'network', 'faults', 'knobs', 'limits'])
      expect(stdout).toMatch(new RegExp(`^  ${label} +\\S`, 'm'));
    expect(stdout).toContain('chaos      1 s of simulated time');
    expect(stdout).toMatch(/^verdict pass {2}\(within the fault budget: safety and liveness\)$/m);
    expect(stdout).toMatch(/^ {2}trace +hash [0-9a-f]{16} over /m);
    expect(lines.slice(-3)).toEqual(['To do it again:', '  npx kelpie-dst run --seed 42 --profile none --sim-time 1s', '']);
    // Not a terminal: no colours.
    expect(stdout).not.toContain('\u001b');
  });

  test('without a seed draws one, and its command does the very same run again', () => {
    const first = documentOf(kelpie(...QUICK, '--json'));
    expect(first.reproduce).toBe(`npx kelpie-dst run --seed ${first.seed} --profile none --sim-time 1s`);
    const again = documentOf(kelpie(...first.reproduce.split(' ').slice(2), '--json'));
    expect({ ...again, wallMs: 0 }).toEqual({ ...first, wallMs: 0 });
  });

  test('takes a git commit as its seed', () => {
    const commit = '4b825dc642cb6eb9a060e54bf8d69288fbee4904';
    expect(documentOf(kelpie(...QUICK, '--json', '--seed', commit))).toMatchObject({ seed: commit, verdict: 'pass' });
  });

  test('--json prints one document with every promised field and nothing else', () => {
    const seen = kelpie('run', '--seed', '42', '--sim-time', '2s', '--json');
    expect(seen.stderr).toBe('');
    expect(documentOf(seen)).toMatchObject({
      seed: 42,
      scenario: 'kelpie-cluster',
      verdict: 'pass',
      simMicros: expect.any(Number) as number,
      wallMs: expect.any(Number) as number,
      events: expect.any(Number) as number,
      traceHash: expect.stringMatching(/^[0-9a-f]{16}$/) as string,
      violations: [],
      faults: expect.any(Array) as unknown[],
      sometimes: expect.any(Object) as object,
      spec: expect.any(Object) as object,
      reproduce: 'npx kelpie-dst run --seed 42 --sim-time 2s',
    });
  });

  test('draws only the faults asked for, and the schedule asked for', () => {
    const args = ['run', '--seed', '7', '--fault', 'network/loss', '--fault', 'network/delay', '--strategy', 'pct', '--sim-time', '2s'];
    const document = JSON.parse(kelpie(...args, '--json').stdout) as {
      readonly faults: readonly { readonly id: string }[];
      readonly case: { readonly strategy: { readonly kind: string } };
      readonly reproduce: string;
    };
    expect(document.faults.map(({ id }) => id)).toEqual(['network/delay', 'network/loss']);
    expect(document.case.strategy.kind).toBe('pct');
    expect(document.reproduce).toBe(`npx kelpie-dst ${args.join(' ')}`);
  });

  test('--trace keeps every event, one canonical line each, and changes nothing about the run', () => {
    const traced = documentOf(kelpie(...QUICK, '--seed', '3', '--json', '--trace', 'trace.jsonl'));
    const lines = readFileSync(join(folder, 'trace.jsonl'), 'utf8').split('\n');
    expect(lines.pop()).toBe('');
    expect(lines).toHaveLength(traced.traceEvents);
    for (const [index, line] of lines.entries()) expect(JSON.parse(line)).toMatchObject({ index });
    expect(traced.traceHash).toBe(documentOf(kelpie(...QUICK, '--seed', '3', '--json')).traceHash);
  });

  test('--trace replaces a file that is there', () => {
    writeFileSync(join(folder, 'old.jsonl'), 'old');
    expect(kelpie(...QUICK, '--seed', '3', '--trace', 'old.jsonl').code).toBe(0);
    expect(readFileSync(join(folder, 'old.jsonl'), 'utf8')).toMatch(/^\{"at":0,/);
  });

  test('is ended by Ctrl-C with 130', async () => {
    const child = spawn(process.execPath, [bin, 'run', '--seed', '1'], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
    let stderr = '';
    child.stderr.on('data', (data: Buffer) => {
      stderr += data.toString();
    });
    // The opening is printed before the worker is even loaded.
    child.stdout.once('data', () => child.kill('SIGINT'));
    const code = await new Promise((resolve) => child.on('close', resolve));
    expect({ code, stderr }).toEqual({ code: 130, stderr: 'kelpie-dst: interrupted\n' });
  });
});

describe('a known bug', () => {
  /** The first seed of a few that finds it; the loop over 200 seeds is a test of the scenario. */
  /** A seed that breaks a promise which a spec states too: not each does, so not each failure has a state of a spec beside it. */
  function failing(bug: string): { readonly seed: number; readonly seen: Seen } {
    for (let seed = 1; seed <= 60; seed++) {
      const json = kelpie('run', '--seed', String(seed), '--bug', bug, '--json');
      if (json.code === 0 || documentOf(json).violations[0]?.spec === undefined) continue;
      return { seed, seen: kelpie('run', '--seed', String(seed), '--bug', bug) };
    }
    throw new Error(`60 seeds did not find ${bug}`);
  }

  test('ends with 1 and explains itself', () => {
    const { seed, seen } = failing('racy-claim');
    expect({ code: seen.code, stderr: seen.stderr }).toEqual({ code: 1, stderr: '' });
    expect(seen.stdout).toMatch(/^seed \d+ {2}scenario kelpie-cluster {2}profile swarm {2}bug racy-claim$/m);
    expect(seen.stdout).toMatch(/^verdict violation/m);
    expect(seen.stdout).toMatch(/^[\w-]+ is broken at \d+\.\d{6} s/m);
    for (const label of ['promise', 'expected', 'seen']) expect(seen.stdout).toMatch(new RegExp(`^  ${label} +\\S`, 'm'));
    expect(seen.stdout).toContain('The events that led there:');
    expect(seen.stdout).toMatch(/^> +\d+\.\d{6} /m);
    expect(seen.stdout).toContain('Faults active then:');
    expect(seen.stdout).toContain(`To look for a smaller case:\n  npx kelpie-dst shrink ${seed} --bug racy-claim\n`);
    expect(seen.stdout).toMatch(/^What Kelpie\w+ knows of /m);
    expect(seen.stdout.trimEnd().split('\n').at(-1)).toBe(`  npx kelpie-dst run --seed ${seed} --bug racy-claim`);

    const json = kelpie('run', '--seed', String(seed), '--bug', 'racy-claim', '--json');
    expect(json.code).toBe(1);
    const { verdict, violations } = documentOf(json);
    // The specs may say the same in their own words behind it.
    expect(verdict).toBe('violation');
    expect(violations[0]?.invariant).toMatch(/^[a-z][a-z-]+$/);
    expect(seen.stdout).toContain(documentOf(json).traceHash);
  });
});

describe('list', () => {
  test.each(['scenarios', 'faults', 'invariants', 'bugs'])('%s shows each part on a line, and the same as JSON', (name) => {
    const { code, stdout, stderr } = kelpie('list', name);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    type Row = {
      readonly id: string;
      readonly summary: string;
      readonly spec?: string;
      readonly core?: boolean;
      readonly fired?: number;
      readonly potent?: number;
    };
    const rows = JSON.parse(kelpie('list', name, '--json').stdout) as readonly Row[];
    expect(rows.length).toBeGreaterThan(0);
    const lines = stdout.trimEnd().split('\n');
    expect(lines.map((line) => line.split(/ {2,}/))).toEqual(
      rows.map(({ id, summary, spec, core, fired, potent }) => [
        id,
        ...(core === true ? ['core'] : []),
        ...(fired === undefined ? [] : [`fired ${fired}`, `potent ${potent}`]),
        summary,
        ...((name === 'bugs' || name === 'invariants') && spec !== undefined ? [spec] : []),
      ]),
    );
  });

  test('has what the first part of the catalogues promises', () => {
    const ids = (name: string): string[] =>
      (JSON.parse(kelpie('list', name, '--json').stdout) as { readonly id: string }[]).map(({ id }) => id);
    expect(ids('scenarios')).toContain('kelpie-cluster');
    expect(ids('bugs')).toEqual(expect.arrayContaining(['kv-write-through', 'racy-claim']));
    expect(ids('invariants')).toEqual(
      expect.arrayContaining(['single-activation', 'transaction-atomicity', 'conservation', 'durable-on-success']),
    );
    expect(ids('faults')).toEqual(expect.arrayContaining(['network/loss', 'network/partition', 'crash/kill', 'database/conflict']));
  });

  test('scenarios tell what they offer to faults', () => {
    const scenarios = JSON.parse(kelpie('list', 'scenarios', '--json').stdout) as {
      readonly id: string;
      readonly offers: readonly string[];
    }[];
    for (const { offers } of scenarios) expect(offers.length).toBeGreaterThan(0);
    expect(scenarios.filter(({ offers }) => offers.includes('disk')).map(({ id }) => id)).toContain('kelpie-cluster');
  });

  test('faults tell their family, whether they are of the core, and what the last check found', () => {
    type Row = { readonly id: string; readonly fired: number; readonly potent: number; readonly scripted: boolean };
    const faults = JSON.parse(kelpie('list', 'faults', '--json').stdout) as readonly Row[];
    for (const { id, fired, potent, scripted } of faults)
      expect({ id, shown: fired > 0 && potent > 0 && potent <= fired }).toEqual({ id, shown: !scripted });
    expect(faults).toContainEqual(expect.objectContaining({ id: 'network/loss', family: 'network', core: true, needs: ['network'] }));
  });

  test('to a reader that has seen enough is no failure', () => {
    const { status, stdout, stderr } = spawnSync('sh', ['-c', `'${process.execPath}' '${bin}' list faults | head -n 1`], {
      encoding: 'utf8',
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout.trimEnd().split('\n')).toHaveLength(1);
  });
});
