/** Storms that several processes share through a real Redis, as on several machines. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { StormReport } from '../../reports/storm-report.js';
import { freePort, hasRedis, type RedisServer, startRedis } from '../fixtures/redis-server.js';
import type { SeedResult } from '../storm/seed-result.js';

const bin = join(import.meta.dirname, '..', '..', 'dist', 'runner', 'cli.js');
const SEEDS = 24;
/** Cheap runs, several of which fail. */
const STORM = ['storm', '--scenario', 'wal-recovery', '--bug', 'wal-no-replay', '--seeds', String(SEEDS), '--workers', '1', '--json'];
/** Where it does not matter how small a failure becomes. */
const PLAIN = [...STORM, '--no-shrink'];
const LOOK_EVERY_MS = 20;
const HOOK_MS_MAX = 120_000;
/** It tries hundreds of runs. */
const SHRINKING_MS_MAX = 300_000;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kelpie-dst-shared-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
}

function start(...args: readonly string[]): Running {
  // A group of its own, so that its threads' processes end with it.
  const child = spawn(process.execPath, [bin, ...args], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  const heard = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (heard.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (heard.stderr += text));
  const ended = new Promise<Ended>((resolve) => child.on('close', (code) => resolve({ code, ...heard })));
  return { child, ended };
}

const kelpie = (...args: readonly string[]): Promise<Ended> => start(...args).ended;
const signal = ({ child }: Running, name: NodeJS.Signals) => process.kill(-(child.pid as number), name); // it has begun

const reportOf = ({ stdout }: Ended): StormReport => JSON.parse(stdout) as StormReport;
/** What must be the same on every machine. */
const bare = (report: StormReport) => ({ ...report, machines: null, wallMs: 0, seedsPerSecond: 0 });
const positionsIn = (out: string): number[] =>
  existsSync(join(folder, out, 'results.jsonl'))
    ? readFileSync(join(folder, out, 'results.jsonl'), 'utf8')
        .split('\n')
        .slice(0, -1)
        .flatMap((line) => (JSON.parse(line) as { readonly results: SeedResult[] }).results.map(({ position }) => position))
    : [];
const everyPosition = Array.from({ length: SEEDS }, (_, position) => position);

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
}

/** Why not, in the name that a test run shows. */
const NAME = hasRedis ? 'with a redis-server' : 'SKIPPED, since no redis-server can be started here (Debian: apt install redis-server)';

describe.skipIf(!hasRedis)(NAME, () => {
  let server: RedisServer;
  let local: StormReport;
  beforeAll(async () => {
    local = reportOf(await kelpie(...STORM));
  }, HOOK_MS_MAX);
  beforeEach(async () => {
    server = await startRedis();
  }, HOOK_MS_MAX);
  afterEach(async () => {
    for (const one of lookers.splice(0)) one.disconnect();
    await server.kill();
  }, HOOK_MS_MAX);
  const lookers: Redis[] = [];
  /** What is in it, as its operator sees it. */
  function looking(): Redis {
    const redis = new Redis(server.url);
    lookers.push(redis);
    return redis;
  }

  test('two processes share one storm: each says what one alone says, and a failure is made smaller once', {
    timeout: SHRINKING_MS_MAX,
  }, async () => {
    const shared = [...STORM, '--queue', server.url];
    const ended = await Promise.all(['first', 'second'].map((out) => kelpie(...shared, '--out', out)));
    for (const { code, stderr } of ended) expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
    for (const one of ended) expect(bare(reportOf(one))).toEqual(bare(local));
    const [machines, others] = ended.map((one) => reportOf(one).machines);
    expect(others).toEqual(machines);
    expect(machines?.map(({ runs }) => runs).reduce((sum, runs) => sum + runs, 0)).toBe(SEEDS);
    for (const out of ['first', 'second']) expect(positionsIn(out).sort((a, b) => a - b)).toEqual(everyPosition);
    const small = ['first', 'second'].flatMap((out) =>
      readdirSync(join(folder, out, 'failures')).filter((name) => name.endsWith('.min.json')),
    );
    expect(small.length).toBe(local.failures.length);

    const before = readFileSync(join(folder, 'first', 'report.json'), 'utf8');
    expect((await kelpie('report', 'first', '--json')).stdout).toBe(before);

    // Who comes late hears it all, and has nothing left to do.
    const late = await kelpie(...shared);
    expect(late.code).toBe(1);
    expect(bare(reportOf(late))).toEqual(bare(local));
    expect(reportOf(late)).toMatchObject({ machines, seedsPerSecond: 0 });

    const redis = looking();
    const keys = await redis.keys('*');
    expect(keys.length).toBeGreaterThan(4);
    for (const key of keys) {
      expect(key).toMatch(/^kelpie-dst:storm:/);
      // -1 is for ever; -2 is gone by now.
      const leftMs = await redis.pttl(key);
      expect({ key, ends: leftMs !== -1 && leftMs <= 7 * 24 * 60 * 60 * 1_000 }).toEqual({ key, ends: true });
    }
  });

  test('a machine that is killed loses its lease: another one does its batch, and each seed counts once', async () => {
    const dying = start(...PLAIN, '--queue', server.url, '--out', 'dying');
    const redis = looking();
    await until(async () => (await redis.llen('kelpie-dst:storm:results')) > 0);
    signal(dying, 'SIGKILL');
    await dying.ended;
    expect(positionsIn('dying').length).toBeLessThan(SEEDS);
    const heir = await kelpie(...PLAIN, '--queue', server.url, '--out', 'heir');
    expect(bare(reportOf(heir))).toEqual(bare(local));
    expect(positionsIn('heir').sort((a, b) => a - b)).toEqual(everyPosition);
    const runs = reportOf(heir).machines?.map((one) => one.runs) ?? [];
    expect(runs.reduce((sum, one) => sum + one, 0)).toBe(SEEDS);
    expect(runs.length).toBe(2);
  });

  test('Ctrl-C gives the batch back at once, and tells what there is', async () => {
    const leaving = start(...PLAIN, '--queue', server.url, '--out', 'leaving');
    await until(() => positionsIn('leaving').length > 0);
    signal(leaving, 'SIGINT');
    const left = await leaving.ended;
    expect(left.code).toBe(130);
    expect(reportOf(left)).toMatchObject({ stopped: 'interrupted' });
    expect(reportOf(left).seeds).toBe(positionsIn('leaving').length);
    const redis = looking();
    expect(await redis.llen('kelpie-dst:storm:active')).toBe(0);
    const [over, whole] = [
      await kelpie(...PLAIN, '--queue', server.url, '--budget', '1ms'),
      await kelpie(...PLAIN, '--queue', server.url, '--out', 'leaving', '--resume'),
    ];
    expect(reportOf(over)).toMatchObject({ stopped: 'budget', seeds: reportOf(left).seeds });
    expect(bare(reportOf(whole))).toEqual(bare(local));
    expect(positionsIn('leaving').sort((a, b) => a - b)).toEqual(everyPosition);
  });

  test('the first failure ends it on all machines where one of them says --fail-fast', async () => {
    const fast = await kelpie(...PLAIN, '--queue', server.url, '--fail-fast');
    expect(fast.code).toBe(1);
    expect(reportOf(fast).stopped).toBe('fail-fast');
    const other = await kelpie(...PLAIN, '--queue', server.url);
    expect(bare(reportOf(other))).toEqual(bare(reportOf(fast)));
  });

  test('a Redis that dies is told with exit code 2 and without its password; what was found is kept, and handed to the next one', async () => {
    await server.kill();
    server = await startRedis(['--requirepass', 's3cret'], server.port);
    const storm = [...PLAIN, '--queue', `redis://:s3cret@127.0.0.1:${server.port}`, '--out', 'kept'];
    const going = start(...storm);
    await until(() => positionsIn('kept').length > 0);
    await server.kill();
    const { code, stdout, stderr } = await going.ended;
    expect(code).toBe(2);
    expect(stderr).toContain(`the Redis at redis://:***@127.0.0.1:${server.port} failed: `);
    expect(stderr).toContain('--resume');
    expect(stderr).not.toContain('s3cret');
    const told = JSON.parse(stdout) as StormReport;
    expect(told.stopped).toBe('queue-lost');
    expect(told.seeds).toBe(positionsIn('kept').length);
    expect(JSON.parse(readFileSync(join(folder, 'kept', 'report.json'), 'utf8'))).toEqual(told);

    server = await startRedis(['--requirepass', 's3cret'], server.port);
    const resumed = await kelpie(...storm, '--resume');
    expect(bare(reportOf(resumed))).toEqual(bare(local));
    expect(positionsIn('kept').sort((a, b) => a - b)).toEqual(everyPosition);
    // The new one has all of it too.
    const other = await kelpie(...PLAIN, '--queue', `redis://:s3cret@127.0.0.1:${server.port}`);
    expect(bare(reportOf(other))).toEqual(bare(local));
  });

  test('a storm that is gone, or not the one that was begun, is told', async () => {
    const going = start(...PLAIN, '--queue', server.url, '--out', 'emptied');
    await until(() => positionsIn('emptied').length > 0);
    const redis = looking();
    await redis.flushall();
    const { code, stderr } = await going.ended;
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringContaining("has no storm 'storm' to share: it has gone") as string,
    });
    expect(positionsIn('emptied').length).toBeGreaterThan(0);
  });

  test('refuses another storm, other code, and what is none, and leaves them as they are', async () => {
    const redis = looking();
    const refused = async (says: string, ...args: readonly string[]): Promise<void> => {
      const before = await redis.keys('*');
      const { code, stdout, stderr } = await kelpie('storm', '--scenario', 'wal-recovery', '--queue', server.url, ...args);
      expect({ code, stdout, stderr }).toEqual({ code: 2, stdout: '', stderr: expect.stringContaining(says) as string });
      expect((await redis.keys('*')).sort()).toEqual(before.sort());
    };
    expect((await kelpie('storm', '--scenario', 'wal-recovery', '--seeds', '2', '--queue', server.url)).code).toBe(0);
    // The look for lost leases, which ends by itself.
    await redis.del('kelpie-dst:storm:stalled-check');
    await refused('has seeds 2, and this command on', '--seeds', '3');
    await refused('has bug null, and this command on', '--seeds', '2', '--bug', 'wal-no-replay');
    const header = JSON.parse((await redis.get('kelpie-dst:storm:storm')) ?? '') as Record<string, unknown>;
    await redis.set('kelpie-dst:storm:storm', JSON.stringify({ ...header, code: '0123456789abcdef' }));
    await refused('has code 0123456789abcdef, and this command on', '--seeds', '2');
    await redis.set('kelpie-dst:storm:storm', JSON.stringify({ ...header, release: '0.0.9' }));
    await refused('has version 0.0.9, and this command on', '--seeds', '2');
    await redis.set('kelpie-dst:other:storm', 'hello');
    await refused("'kelpie-dst:other:storm' has no header of a storm", '--queue-name', 'other');
    await redis.hset('kelpie-dst:third:storm', 'a', 'b');
    await refused('it holds something else under the keys of this name', '--queue-name', 'third');
  });

  test('says who is refused for a wrong password', async () => {
    await server.kill();
    server = await startRedis(['--requirepass', 's3cret']);
    const { code, stderr } = await kelpie(...PLAIN, '--queue', `redis://:wr0ng@127.0.0.1:${server.port}`);
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /the Redis at redis:\/\/:\*\*\*@127.0.0.1:\d+ cannot be used: .*WRONGPASS.*; put its user and password into the address/,
    );
    expect(stderr).not.toContain('wr0ng');
    expect((await kelpie(...PLAIN, '--queue', server.url)).stderr).toMatch(/cannot be used: .*NOAUTH/);
  });
});

test.each<readonly [readonly string[], string]>([
  [['--queue', 'localhost:6379'], 'it begins with localhost:'],
  [['--queue', 'redis://localhost', '--shard', '1/2'], '--shard names those of one machine'],
  [['--queue', 'redis://localhost', '--queue-name', 'a:b'], "--queue-name 'a:b' is none"],
  [['--queue-name', 'a'], 'name the Redis that shares it by --queue'],
])('refuses %j', async (args, says) => {
  const { code, stdout, stderr } = await kelpie('storm', ...args);
  expect({ code, stdout, stderr }).toEqual({ code: 2, stdout: '', stderr: expect.stringContaining(says) as string });
});

test('says where no Redis is, and where something is that does not answer', async () => {
  const port = await freePort();
  const nobody = await kelpie(...PLAIN, '--queue', `redis://127.0.0.1:${port}`, '--out', 'nobody');
  expect(nobody.code).toBe(2);
  expect(nobody.stderr).toContain(`the Redis at redis://127.0.0.1:${port} cannot be used: connect ECONNREFUSED`);
  // A storm that was never begun leaves no folder that looks like one.
  expect(existsSync(join(folder, 'nobody'))).toBe(false);

  const silent = createServer((socket) => void socket.resume());
  await new Promise<void>((resolve) => silent.listen(port, '127.0.0.1', resolve));
  const mute = await kelpie(...PLAIN, '--queue', `redis://127.0.0.1:${port}`);
  expect({ code: mute.code, stderr: mute.stderr }).toEqual({
    code: 2,
    stderr: expect.stringContaining('it has not answered for 5 s') as string,
  });
  await new Promise((resolve) => silent.close(resolve));
});
