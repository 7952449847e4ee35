/** Machines of a shared storm in one process, over a real Redis; `shared-storm.command.test.ts` has whole storms. */
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { passedAt } from '../fixtures/seed-results.js';
import { z } from 'zod';
import { hasRedis, type RedisServer, startRedis } from '../fixtures/redis-server.js';
import { Gathered } from '../storm/gathered.js';
import type { Plan } from '../storm/plan.js';
import type { SeedResult } from '../storm/seed-result.js';
import { SharedStorm } from './shared-storm.js';

const plan: Plan = { scenarios: ['bank'], profile: 'swarm', bug: null, from: 100, seeds: 5, shard: { index: 1, of: 1 } };
const result = (position: number): SeedResult => passedAt(position, 100 + position);
const always = (): boolean => true;
const MS_MAX = 60_000;
const NAME = hasRedis ? 'with a redis-server' : 'SKIPPED, since no redis-server can be started here (Debian: apt install redis-server)';

describe.skipIf(!hasRedis)(NAME, { timeout: MS_MAX }, () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis();
  }, MS_MAX);
  afterAll(() => server.kill(), MS_MAX);

  let looking: Redis;
  const machines: SharedStorm[] = [];
  beforeEach(async () => {
    looking = new Redis(server.url);
    await looking.flushall();
  });
  afterEach(async () => {
    looking.disconnect();
    await Promise.all(machines.splice(0).map((one) => one.leave()));
  });

  async function join(signal = new AbortController().signal) {
    const gathered = new Gathered(plan.scenarios);
    const shared = await SharedStorm.join({
      address: { url: server.url, shown: server.url },
      name: 'unit',
      plan,
      code: { release: '0.0.0', digest: '0000000000000000' },
      batch: 2,
      done: gathered.done,
      onBatch: ({ machine, results, visits }) => gathered.add(results, visits, machine),
      signal,
    });
    machines.push(shared);
    return { shared, gathered };
  }

  test('deals each position out to one, gives back what was given back, and ends when all are known', async () => {
    const [one, two] = [await join(), await join()];
    const first = await one.shared.take(always);
    const second = await two.shared.take(always);
    const third = await one.shared.take(always);
    expect([first, second, third].map((batch) => batch?.positions)).toEqual([[0, 1], [2, 3], [4]]);
    await second?.giveBack();
    const again = await one.shared.take(always);
    expect(again?.positions).toEqual([2, 3]);
    // A part of a batch is known to all when it is put, and is not dealt out again.
    await one.shared.put([result(3)], []);
    await again?.giveBack();
    const rest = await two.shared.take(always);
    expect(rest?.positions).toEqual([2]);
    await two.shared.put([result(2)], []);
    await rest?.end();
    await one.shared.put([0, 1, 4].map(result), []);
    // Told twice, as after a lease that was lost.
    await two.shared.put([result(4)], []);
    await Promise.all([first?.end(), third?.end()]);
    expect(await two.shared.take(always)).toBeUndefined();
    await one.shared.sync();
    for (const { gathered } of [one, two]) {
      expect(gathered.tally.runs).toBe(5);
      expect(gathered.machines().reduce((sum, { runs }) => sum + runs, 0)).toBe(5);
    }
    expect(await looking.llen('kelpie-dst:unit:wait')).toBe(0);
    expect(await looking.llen('kelpie-dst:unit:active')).toBe(0);
  });

  test('takes nothing where no more may begin, and nothing after a stop of any machine', async () => {
    const [one, two] = [await join(), await join()];
    expect(await one.shared.take(() => false)).toBeUndefined();
    await two.shared.stop();
    expect(one.shared.isStopped).toBe(false);
    expect(await one.shared.take(always)).toBeUndefined();
    expect(one.shared.isStopped).toBe(true);
  });

  test('does once what is done for all, on another machine where the first one gives up', async () => {
    const ending = new AbortController();
    const [one, two, three] = [await join(ending.signal), await join(), await join()];
    let done = 0;
    const works = [one, two, three].map(({ shared }, at) =>
      shared.once('sum', z.number(), async () => {
        // The first one is interrupted in the middle of it.
        if (at === 0) ending.abort();
        if (at === 0) return undefined;
        done++;
        return 42;
      }),
    );
    const [first, ...others] = await Promise.all(works);
    expect([undefined, 42]).toContain(first);
    expect(others).toEqual([42, 42]);
    expect(done).toBe(1);
    expect(await (await join()).shared.once('sum', z.number(), () => Promise.reject(new Error('again')))).toBe(42);
  });

  test('knows a claim by the machine that was first', async () => {
    const [one, two] = [await join(), await join()];
    expect(await one.shared.claim('a group')).toBe(one.shared.machine);
    await looking.set((await looking.keys('kelpie-dst:unit:claim-*'))[0] ?? '', 'east.7');
    expect(await two.shared.claim('a group')).toBe('east.7');
    expect(await two.shared.claim('another group')).toBe(two.shared.machine);
  });

  test('refuses what is in its log and is no result of this storm', async () => {
    const { shared } = await join();
    await looking.rpush('kelpie-dst:unit:results', 'hello');
    await expect(shared.sync()).rejects.toThrow("entry 0 of 'kelpie-dst:unit:results' is no result of this storm");
    expect(shared.lost.aborted).toBe(true);
    await expect(shared.take(always)).rejects.toThrow('entry 0');
  });
});
