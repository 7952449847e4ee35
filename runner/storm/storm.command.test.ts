/** Storms as users run them, and storms over programs that hang, eat the memory or fail. Runs the build, because a thread loads no TypeScript. */
import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { StormReport } from '../../reports/storm-report.js';
import { catalogue as leaky } from '../fixtures/leaky-catalogue.js';
import { catalogue } from '../fixtures/planted-catalogue.js';
import type { Batch } from './batches.js';
import type { CaseFile } from './case-file.js';
import type { Plan } from './plan.js';
import type { SeedResult } from './seed-result.js';
import type { StormOptions } from './storm.js';

const { runStorm } = (await import(new URL('../../dist/runner/storm/storm.js', import.meta.url).href)) as typeof import('./storm.js');
const bin = join(import.meta.dirname, '..', '..', 'dist', 'runner', 'cli.js');
/** Of the sixteen seeds from here on one throws, one eats the memory and one hangs. */
const FROM = 110;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kelpie-dst-storm-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function kelpie(...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [bin, ...args], { cwd: folder, encoding: 'utf8' });
  return { code: status, stdout, stderr };
}

describe('a storm over hostile programs', () => {
  const plan: Plan = {
    scenarios: ['planted'],
    profile: 'none',
    bug: null,
    from: FROM,
    seeds: 16,
    shard: { index: 1, of: 1 },
  };

  async function resultsOf(workers: number, more: Partial<StormOptions> = {}) {
    const results: SeedResult[] = [];
    const stopped = await runStorm(plan, {
      catalogue,
      catalogueUrl: new URL('../fixtures/planted-catalogue.js', import.meta.url),
      workers,
      hangTimeoutMs: 2_000,
      heapMbMax: 64,
      onResults: (batch) => void results.push(...batch),
      ...more,
    });
    return { stopped, results: results.sort((a, b) => a.position - b.position) };
  }

  test('gives each seed its own verdict, the same with one worker and with two', async () => {
    const { stopped, results } = await resultsOf(2);
    expect(stopped).toBeUndefined();
    expect(results.map(({ seed }) => seed)).toEqual(Array.from({ length: plan.seeds }, (_, i) => FROM + i));
    const failed = results.filter(({ verdict }) => verdict !== 'pass');
    expect(failed.map(({ verdict, signature }) => `${verdict} ${signature}`).sort()).toEqual([
      'crash crash: # crashed: TypeError: no such account',
      'crash crash: the run used more than # MB of memory in event #, on #, at # s of simulated time',
      'hang hang: no progress for # s of wall time in event #, on #, at # s of simulated time',
    ]);
    const alone = await resultsOf(1);
    // Where in its events a hog dies is the machine's affair.
    const bare = (result: SeedResult) => ({ ...result, events: 0 });
    expect(alone.results.map(bare)).toEqual(results.map(bare));
  });

  test('begins no more after the first failure, after its budget, and after a signal', async () => {
    const fast = await resultsOf(1, { failFast: true });
    expect(fast.stopped).toBe('fail-fast');
    expect(fast.results.length).toBeLessThan(plan.seeds);
    expect(await resultsOf(1, { budgetMs: 0 })).toEqual({ stopped: 'budget', results: [] });
    expect(await resultsOf(1, { signal: AbortSignal.abort() })).toEqual({ stopped: 'interrupted', results: [] });
    expect(await resultsOf(1, { signal: AbortSignal.timeout(1_500), hangTimeoutMs: 60_000 })).toMatchObject({ stopped: 'interrupted' });
  });

  test('runs nothing that is done, and rejects when the catalogue cannot be loaded', async () => {
    const done = new Set(Array.from({ length: plan.seeds }, (_, i) => i));
    expect(await resultsOf(2, { done })).toEqual({ stopped: undefined, results: [] });
    await expect(resultsOf(1, { catalogueUrl: new URL('nowhere.js', import.meta.url) })).rejects.toThrow('cannot be loaded');
  });
});

test('every n-th run is done again in another process, and fails where it does something else there', async () => {
  const results: SeedResult[] = [];
  const catalogueUrl = new URL('../fixtures/leaky-catalogue.js', import.meta.url);
  await runStorm(
    { scenarios: ['tight', 'captured-zone'], profile: 'none', bug: null, from: 1, seeds: 4, shard: { index: 1, of: 1 } },
    { catalogue: leaky, catalogueUrl, workers: 2, twinOneIn: 3, onResults: (batch) => void results.push(...batch) },
  );
  const told = results
    .sort((a, b) => a.position - b.position)
    .map(({ scenario, verdict, twin }) => [scenario, verdict, twin?.split(' ', 2).join(' ')]);
  expect(told).toEqual([
    ['tight', 'pass', ''],
    ['captured-zone', 'pass', undefined],
    ['tight', 'pass', undefined],
    ['captured-zone', 'nondeterminism', 'the same'],
    ['tight', 'pass', undefined],
    ['captured-zone', 'pass', undefined],
    ['tight', 'pass', ''],
    ['captured-zone', 'pass', undefined],
  ]);
});

test('whoever takes the results and fails ends the storm, and what was not taken is given back', async () => {
  const ended: number[] = [];
  const givenBack: number[] = [];
  let next = 0;
  const take = async (): Promise<Batch> => {
    const position = next++;
    return { positions: [position], end: async () => void ended.push(position), giveBack: async () => void givenBack.push(position) };
  };
  const storm = runStorm(
    { scenarios: ['tight'], profile: 'none', bug: null, from: 1, seeds: 1_000, shard: { index: 1, of: 1 } },
    {
      catalogue: leaky,
      catalogueUrl: new URL('../fixtures/leaky-catalogue.js', import.meta.url),
      workers: 1,
      source: { take },
      onResults([result]) {
        if (result?.position === 2) throw new Error('the disk is full');
      },
    },
  );
  await expect(storm).rejects.toThrow('the disk is full');
  expect(ended).toEqual([0, 1]);
  // The one after it was run while it was handed over.
  expect(givenBack).toEqual([2, 3]);
});

const SHORT = ['storm', '--seeds', '20', '--bug', 'kv-write-through', '--json'];
const reportOf = (text: string): StormReport => JSON.parse(text) as StormReport;
const timeless = (report: StormReport) => ({ ...report, wallMs: 0, seedsPerSecond: 0 });

describe('the command', () => {
  test('says the same for one worker and for two, and keeps what it found', () => {
    const one = kelpie(...SHORT, '--workers', '1', '--out', 'found');
    const two = kelpie(...SHORT, '--workers', '2');
    expect({ code: one.code, stderr: one.stderr }).toEqual({ code: 1, stderr: '' });
    const report = reportOf(one.stdout);
    expect(timeless(reportOf(two.stdout))).toEqual(timeless(report));
    expect(report).toMatchObject({ seeds: 20, notRun: 0 });
    const [group] = report.failures;
    expect(group?.reproduce).toBe(`npx kelpie-dst run --seed ${group?.smallest.seed} --bug kv-write-through`);
    expect(reportOf(readFileSync(join(folder, 'found', 'report.json'), 'utf8'))).toEqual(report);
    expect(readFileSync(join(folder, 'found', 'junit.xml'), 'utf8')).toContain('failures="1"');

    // A storm that was killed: a batch is missing, and another is half written.
    const path = join(folder, 'found', 'results.jsonl');
    const lines = readFileSync(path, 'utf8').split('\n').filter(Boolean);
    expect(lines).toHaveLength(3);
    writeFileSync(path, `${lines[0]}\n${lines[1]}\n${lines[2]?.slice(0, 100)}`);
    const resumed = kelpie(...SHORT, '--out', 'found', '--resume');
    expect(timeless(reportOf(resumed.stdout))).toEqual(timeless(report));
    expect(readFileSync(path, 'utf8').split('\n').filter(Boolean)).toHaveLength(3);

    const again = kelpie(...SHORT, '--out', 'found');
    expect({ code: again.code, stderr: again.stderr }).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--resume goes on') as string,
    });
    const other = kelpie('storm', '--seeds', '21', '--bug', 'kv-write-through', '--out', 'found', '--resume');
    expect({ code: other.code, stderr: other.stderr }).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("the storm in 'found' has seeds 20, and this command 21") as string,
    });
    appendFileSync(path, '{"results":[{}]}\n');
    expect(kelpie(...SHORT, '--out', 'found', '--resume').stderr).toContain("line 4 of 'found/results.jsonl' is broken");
  });

  test('replays what it kept, and says where it differs', () => {
    const failures = spawnSync('ls', [join(folder, 'found', 'failures')], { encoding: 'utf8' })
      .stdout.split('\n')
      .filter(Boolean);
    expect(failures.slice(0, 3)).toEqual(['json', 'min.json', 'txt'].map((ending) => failures[0]?.replace(/json$/, ending)));
    const small = JSON.parse(readFileSync(join(folder, 'found', 'failures', failures[1] ?? ''), 'utf8')) as CaseFile;
    expect(small.case.workload.operations.length).toBeLessThanOrEqual(12);
    expect(kelpie('replay', join('found', 'failures', failures[1] ?? '')).stdout).toMatch(/^reproduced: /m);
    const file = join('found', 'failures', failures[0] ?? '');
    expect(readFileSync(join(folder, file.replace('.json', '.txt')), 'utf8')).toContain('The events that led there:');
    const saved = JSON.parse(readFileSync(join(folder, file), 'utf8')) as CaseFile;
    const outcomeOf = (changed: unknown) => {
      writeFileSync(join(folder, 'changed.json'), JSON.stringify(changed));
      const { code, stdout, stderr } = kelpie('replay', 'changed.json', '--json');
      return { code, outcome: stdout === '' ? stderr : (JSON.parse(stdout) as { readonly outcome: string }).outcome };
    };
    const { bug: _, ...correct } = saved.case;
    expect(outcomeOf(saved)).toEqual({ code: 1, outcome: 'reproduced' });
    expect(outcomeOf({ ...saved, expected: { ...saved.expected, traceHash: '0'.repeat(16) } })).toEqual({ code: 1, outcome: 'drifted' });
    expect(outcomeOf({ ...saved, expected: { ...saved.expected, invariant: 'conservation' } })).toEqual({ code: 1, outcome: 'changed' });
    expect(outcomeOf({ ...saved, case: correct })).toEqual({ code: 0, outcome: 'gone' });
    expect(small.log?.length).toBeGreaterThan(10);
    const { bug: __, ...mended } = small.case;
    expect(outcomeOf({ ...small, case: mended })).toEqual({ code: 0, outcome: 'gone' });
    const told = kelpie('replay', 'changed.json').stdout;
    expect(told).toMatch(/^gone: [^]*The first event that differs is line \d+ of the saved log:\n {2}before {2}\d+ .*\n {2}now {5}\d+ /m);
    for (const [changed, says] of [
      [{ ...saved, version: 2 }, 'is of version 2, and this kelpie-dst reads version 1'],
      [{ hello: 1 }, 'is no case file: its format is not stated'],
      [{ ...saved, case: { ...saved.case, quantumMicros: 'x' } }, 'is broken at case.quantumMicros'],
      [{ ...saved, case: { ...saved.case, scenario: 'gone' } }, "there is no scenario 'gone'"],
    ] as const)
      expect(outcomeOf(changed)).toEqual({ code: 2, outcome: expect.stringContaining(says) as string });
    writeFileSync(join(folder, 'torn.json'), '{');
    expect(kelpie('replay', 'torn.json').stderr).toContain("'torn.json' is no JSON");
    expect(kelpie('replay', 'nowhere.json').code).toBe(2);
    // Fourteen processes, one after the other.
  }, 180_000);

  test('replays a seed twice', () => {
    const { code, stdout } = kelpie('replay', '3');
    expect(code).toBe(0);
    expect(stdout).toMatch(/\nreproduced: pass again, after the same events/);
    const bugged = kelpie('replay', '1', '--scenario', 'kv-state-atomicity', '--bug', 'kv-write-through');
    expect(bugged.code).toBe(1);
    expect(bugged.stdout).toContain('npx kelpie-dst replay 1 --scenario kv-state-atomicity --bug kv-write-through\n');
    expect(bugged.stdout).toMatch(/^reproduced: buffer-empty-when-idle again/m);
    expect(kelpie('replay', 'nowhere.json', '--bug', 'racy-claim').stderr).toContain('leave --scenario and --bug out');
  });

  test.each<readonly [readonly string[], string]>([
    [['--seeds', '0'], "--seeds '0' is no whole number from 1"],
    [['--workers', 'many'], "--workers 'many' is no whole number"],
    [['--shard', '3/2'], "--shard '3/2' is none"],
    [['--shard', '1/9', '--seeds', '3'], '3 seeds cannot be shared among 9'],
    [['--from', '1', '--from-git'], '--from and --from-git both name the first seed'],
    [['--from', String(Number.MAX_SAFE_INTEGER)], 'past the largest seed'],
    [['--all', '--scenario', 'kelpie-cluster'], '--all has every scenario'],
    [['--resume'], 'name it by --out'],
    [['--resume', '--out', 'nothing'], "there is no storm in 'nothing'"],
    [['--sceanrio', 'x'], "did you mean '--scenario'?"],
  ])('refuses %j', (args, says) => {
    const { code, stdout, stderr } = kelpie('storm', ...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(says);
  });

  const QUICK = ['storm', '--scenario', 'wal-recovery', '--bug', 'wal-no-replay', '--json'];
  /** The runs of a storm, by what is stored of them. */
  const stored = (out: string): SeedResult[] =>
    readFileSync(join(folder, out, 'results.jsonl'), 'utf8')
      .split('\n')
      .filter(Boolean)
      .flatMap((line) => (JSON.parse(line) as { readonly results: SeedResult[] }).results);

  test('shards make up the whole, run for run', () => {
    const all = ['--seeds', '11', '--no-shrink'];
    const whole = reportOf(kelpie(...QUICK, ...all, '--out', 'whole').stdout);
    const shards = [1, 2, 3].map((index) => {
      const { stdout } = kelpie(...QUICK, ...all, '--shard', `${index}/3`, '--out', `shard-${index}`);
      return reportOf(stdout);
    });
    expect(shards.map(({ seeds }) => seeds)).toEqual([4, 4, 3]);
    expect(shards.reduce((sum, { failed }) => sum + failed, 0)).toBe(whole.failed);
    expect(whole.failed).toBeGreaterThan(0);
    const bare = (results: SeedResult[]) =>
      results.map((result) => ({ ...result, position: 0, twin: null })).sort((a, b) => Number(a.seed) - Number(b.seed));
    expect(bare(['shard-1', 'shard-2', 'shard-3'].flatMap(stored))).toEqual(bare(stored('whole')));
  }, 120_000);

  test('report says again what was stored, also of a storm without its reports, and of shards what the whole says', () => {
    const before = readFileSync(join(folder, 'whole', 'report.json'), 'utf8');
    rmSync(join(folder, 'whole', 'junit.xml'));
    expect(kelpie('report', 'whole', '--json')).toEqual({ code: 1, stdout: before, stderr: '' });
    expect(readFileSync(join(folder, 'whole', 'report.json'), 'utf8')).toBe(before);
    expect(readFileSync(join(folder, 'whole', 'junit.xml'), 'utf8')).toContain('<testsuite');
    // As it stands where a storm was killed.
    rmSync(join(folder, 'whole', 'report.json'));
    const killed = reportOf(kelpie('report', 'whole', '--json').stdout);
    expect(killed).toEqual({ ...reportOf(before), stopped: 'interrupted', wallMs: 0, seedsPerSecond: 0 });

    const shards = ['shard-1', 'shard-2', 'shard-3'];
    // Which runs are done twice depends on where they stand in their shard.
    const bare = (report: StormReport) => ({ ...timeless(report), twins: null });
    const whole = kelpie('report', ...shards, '--json', '--out', 'together');
    expect(bare(reportOf(whole.stdout))).toEqual(bare(reportOf(before)));
    expect(readFileSync(join(folder, 'together', 'report.json'), 'utf8')).toBe(whole.stdout);
    expect(reportOf(kelpie('report', 'shard-1', 'shard-3', '--json').stdout)).toMatchObject({ seeds: 7, notRun: 4 });
    expect(kelpie('report', 'shard-2').stdout).toMatch(/seeds +from 0, .*, shard 2 of 3\n/);
    mkdirSync(join(folder, 'other'));
    const header = readFileSync(join(folder, 'shard-1', 'storm.json'), 'utf8');
    writeFileSync(join(folder, 'other', 'storm.json'), header.replace('"seeds":11', '"seeds":12'));
    for (const [folders, says] of [
      [['nothing'], "there is no storm in 'nothing'; 'kelpie-dst storm --out nothing' makes one"],
      [['shard-1', 'other'], "'shard-1' and 'other' have different storms; only shards of one make a whole"],
      [['shard-1', 'shard-1'], "'shard-1' and 'shard-1' both have shard 1 of 3; name each once"],
      [['shard-1', '--out', join('shard-1', 'storm.json')], 'the reports cannot be written to'],
    ] as const)
      expect(kelpie('report', ...folders)).toMatchObject({ code: 2, stderr: expect.stringContaining(says) as string });
  }, 120_000);

  test('--twin does every run twice', () => {
    const quiet = ['storm', '--scenario', 'kv-state-atomicity', '--seeds', '5', '--json'];
    expect(reportOf(kelpie(...quiet).stdout).twins).toEqual({ checked: 1, differed: 0 });
    expect(reportOf(kelpie(...quiet, '--twin').stdout).twins).toEqual({ checked: 5, differed: 0 });
  }, 60_000);

  test('--fail-fast ends with the first failure, and --budget when its time is over; what is left is said', () => {
    const fast = kelpie(...QUICK, '--seeds', '500', '--fail-fast', '--workers', '1');
    expect(fast.code).toBe(1);
    expect(reportOf(fast.stdout)).toMatchObject({ stopped: 'fail-fast', failed: 1 });
    const short = reportOf(kelpie(...QUICK, '--seeds', '100000', '--budget', '1s').stdout);
    expect(short.stopped).toBe('budget');
    expect(short.seeds).toBeGreaterThan(0);
    expect(short.seeds + short.notRun).toBe(100_000);
  }, 120_000);

  test('--from-git begins with the commit that is checked out', () => {
    const repository = join(folder, 'repository');
    const git = (...args: readonly string[]) => spawnSync('git', ['-C', repository, ...args], { encoding: 'utf8' }).stdout.trim();
    spawnSync('git', ['init', '-q', repository]);
    git('-c', 'user.name=x', '-c', 'user.email=x@example.org', 'commit', '-q', '--allow-empty', '-m', 'first');
    const head = git('rev-parse', 'HEAD');
    const { stdout } = spawnSync(process.execPath, [bin, ...QUICK, '--seeds', '2', '--from-git'], { cwd: repository, encoding: 'utf8' });
    expect(head).toMatch(/^[0-9a-f]{40}$/);
    expect(reportOf(stdout)).toMatchObject({ from: head, seeds: 2 });
  }, 60_000);

  test('refuses --from-git outside of a clone', () => {
    expect(kelpie('storm', '--from-git')).toMatchObject({ code: 2, stderr: expect.stringContaining('git tells no commit here') as string });
  });
});
