import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { lab, labActor, told } from '../../runner/fixtures/lab.js';
import type { Clock } from '../ports.js';
import { kelpieConfig } from './config.js';
import { KelpieError } from './errors.js';
import { monotonicLeaseTerm, ObservingLeaseJudge } from './lease.js';
import { correctParts } from './parts.js';
import type { Lease } from './records.js';
import { renewLeases } from './registry.js';

const ok = (result: unknown): unknown => ({ kind: 'ok', result });
const actor = labActor('a').key;

const lease = (version: number, token = 1): Lease => ({
  holder: 'n1',
  life: 1,
  token,
  version,
  micros: 30_000_000,
  acquired: 0,
  expires: 0,
});

/** A clock that shows what it is told. */
function handClock(): Clock & { now: number; wall: number } {
  return {
    now: 0,
    wall: 0,
    monotonicMicros() {
      return this.now;
    },
    wallMicros() {
      return this.wall;
    },
    sleep: () => new Promise(() => {}),
    after: () => ({ cancel: () => {} }),
  };
}

describe('a challenger', () => {
  test('takes over what it has seen unchanged for a whole lease, whatever its wall clock shows', () => {
    const clock = handClock();
    const judge = new ObservingLeaseJudge(clock);
    expect(judge.expired(actor, lease(1))).toBeUndefined();
    clock.now = 29_999_999;
    clock.wall = 10 ** 15;
    expect(judge.expired(actor, lease(1))).toBeUndefined();
    clock.now = 30_000_000;
    expect(judge.expired(actor, lease(1))).toBe(30_000_000);
  });

  test('starts again at every renewal, change of holder and loss of memory', () => {
    const clock = handClock();
    const judge = new ObservingLeaseJudge(clock);
    judge.expired(actor, lease(1));
    for (const change of [lease(2), lease(2, 2)]) {
      clock.now += 30_000_000;
      expect(judge.expired(actor, change)).toBeUndefined();
      clock.now += 29_999_999;
      expect(judge.expired(actor, change)).toBeUndefined();
    }
    judge.forget(actor);
    clock.now += 1;
    expect(judge.expired(actor, lease(2, 2))).toBeUndefined();
  });

  test('watches a hundred thousand leases at once, and forgets the one that it has seen first', () => {
    const clock = handClock();
    const judge = new ObservingLeaseJudge(clock);
    const watched = Array.from({ length: 100_001 }, (_, i) => labActor(`a${i}`).key);
    for (const one of watched) judge.expired(one, lease(1));
    clock.now = 30_000_000;
    const [first, second] = watched;
    const last = watched.at(-1);
    expect([last, second, first].map((one) => judge.expired(one ?? actor, lease(1)))).toEqual([30_000_000, 30_000_000, undefined]);
  });

  test('never serves together with the holder while their clocks differ by less than grace and skew', () => {
    const config = kelpieConfig();
    // Parts per million by which each clock runs fast or slow; together below (grace + skew) / lease.
    const drift = fc.integer({ min: -45_000, max: 45_000 });
    const delay = fc.integer({ min: 0, max: 20_000_000 });
    fc.assert(
      fc.property(
        drift,
        drift,
        fc.nat(10 ** 12),
        fc.nat(10 ** 12),
        delay,
        delay,
        (holderPpm, challengerPpm, h0, c0, commitDelay, readDelay) => {
          const holderAt = (time: number): number => h0 + time + Math.floor((time * holderPpm) / 1_000_000);
          const challengerAt = (time: number): number => c0 + time + Math.floor((time * challengerPpm) / 1_000_000);
          // The holder starts its renewal at time 0; it is written and then seen after these delays.
          const until = monotonicLeaseTerm.until(holderAt(0), config);
          const seenAt = commitDelay + readDelay;
          let stopped = 0;
          while (holderAt(stopped) < until) stopped += 100_000;
          const clock = handClock();
          const judge = new ObservingLeaseJudge(clock);
          clock.now = challengerAt(seenAt);
          judge.expired(actor, lease(1));
          let taken = seenAt;
          while (judge.expired(actor, lease(1)) === undefined) {
            taken += 100_000;
            clock.now = challengerAt(taken);
          }
          expect(taken).toBeGreaterThanOrEqual(stopped);
        },
      ),
    );
  });
});

describe('a lease', () => {
  test('is renewed while its holder lives, and passes on when it is dead', async () => {
    const { result, story } = await lab({
      script: async ({ call, world, owner, sleep, platform }) => {
        await call('a', 'add');
        const before = owner('a');
        await sleep(20_000_000);
        const kept = owner('a') === before;
        world.kill(before, 'test');
        const killed = platform.clock.monotonicMicros();
        const answer = await call('a', 'add', null, { deadlineMicros: 60_000_000 });
        return { kept, answer, moved: owner('a') !== before, micros: platform.clock.monotonicMicros() - killed };
      },
    });
    expect(result).toMatchObject({ kept: true, answer: ok(2), moved: true });
    // One lease from the first look of a challenger, and what the attempts take.
    expect(result.micros).toBeGreaterThan(6_000_000);
    expect(result.micros).toBeLessThan(14_000_000);
    expect(told(story, 'claim.read').map(({ body }) => body.decision)).toContain('takeover');
  });

  test('whose renewal fails is renewed again well before it must be given up', async () => {
    const renewals: number[] = [];
    const { story } = await lab({
      nodes: 1,
      config: { leaseRenewMicros: 2_000_000 },
      parts: {
        renew: (runtime, claims) => {
          renewals.push(runtime.platform.clock.monotonicMicros());
          return renewals.length === 1 ? Promise.reject(new KelpieError('store-unavailable', 'not now')) : renewLeases(runtime, claims);
        },
      },
      script: async ({ call, sleep }) => {
        await call('a', 'add');
        await sleep(7_000_000);
      },
    });
    const [first = 0, second = 0, third = 0] = renewals;
    expect(second - first).toBeGreaterThan(0);
    expect(second - first).toBeLessThan(1_000_000);
    expect(third - second).toBeGreaterThanOrEqual(2_000_000);
    expect(told(story, 'lease.expire-local')).toEqual([]);
  });

  test('that a renewal finds in other hands is lost at once, not when it would have ended', async () => {
    let refusals = 0;
    const { story } = await lab({
      nodes: 1,
      parts: {
        renew: async (runtime, claims) => {
          if (refusals++ > 0) return renewLeases(runtime, claims);
          return claims.map(({ token }) => ({ kind: 'lost', newestToken: token + 1 }));
        },
      },
      script: async ({ call, sleep }) => {
        await call('a', 'add');
        await sleep(3_000_000);
      },
    });
    expect(told(story, 'lease.lost').map(({ body }) => [body.token, body.newestToken])).toEqual([[1, 2]]);
    expect(told(story, 'activate.drop').map(({ body }) => body.reason)).toEqual(['lease-lost']);
  });

  test('of an earlier life of its node holds nothing back', async () => {
    const { result, story } = await lab({
      script: async ({ call, world, owner, sleep, platform }) => {
        await call('a', 'add');
        const node = owner('a');
        world.kill(node, 'test');
        world.restart(node);
        await sleep(1_000_000);
        const begun = platform.clock.monotonicMicros();
        const answer = await call('a', 'add', null, { deadlineMicros: 60_000_000 });
        return { answer, micros: platform.clock.monotonicMicros() - begun };
      },
    });
    expect(result.answer).toEqual(ok(2));
    expect(result.micros).toBeLessThan(2_000_000);
    expect(told(story, 'node.register').filter(({ body }) => body.nodeLife === 2)).toHaveLength(1);
    expect(told(story, 'node.sweep').map(({ body }) => body.actor)).toEqual(['lab:a']);
  });

  test('that cannot be renewed is given up before another node may have it, and the paused holder does nothing more', async () => {
    const { result, story } = await lab({
      script: async ({ call, world, owner, sleep }) => {
        await call('a', 'add');
        const before = owner('a');
        world.pause(before);
        const answer = await call('a', 'add', null, { deadlineMicros: 60_000_000 });
        const after = owner('a');
        world.resume(before);
        await sleep(2_000_000);
        return { answer, last: await call('a', 'add'), before, after };
      },
    });
    expect(result).toMatchObject({ answer: ok(2), last: ok(3) });
    expect(result.after).not.toBe(result.before);
    const ends = story.filter(({ node, body }) => node === result.before && body.type === 'lease.expire-local');
    expect(ends).toHaveLength(1);
    const taken = told(story, 'claim.commit').find(({ node }) => node === result.after);
    const zombie = told(story, 'invoke.start').filter(({ node, index }) => node === result.before && index > (taken?.index ?? 0));
    expect(zombie).toEqual([]);
  });

  test('that ran out while its node slept between reading and serving makes nothing active', async () => {
    let sleepHere: ((node: string) => void) | undefined;
    const { result, story } = await lab({
      parts: {
        load: async (runtime, held) => {
          const loaded = await correctParts.load(runtime, held);
          sleepHere?.(runtime.platform.node);
          sleepHere = undefined;
          await runtime.platform.clock.sleep(1);
          return loaded;
        },
      },
      script: async ({ call, world, sleep }) => {
        let asleep = '';
        sleepHere = (node) => {
          asleep = node;
          world.pause(node);
        };
        const answer = await call('a', 'add', null, { deadlineMicros: 60_000_000 });
        world.resume(asleep);
        await sleep(2_000_000);
        return { answer, asleep };
      },
    });
    expect(result.answer).toEqual(ok(1));
    const ofSleeper = story.filter(({ node, body }) => node === result.asleep && 'actor' in body && body.actor === 'lab:a');
    const types = ofSleeper.map(({ body }) => body.type).filter((type) => type.startsWith('activate.') || type.startsWith('lease.expire'));
    // Who waited for it there is then told where it is.
    expect(types).toEqual(['activate.start', 'activate.load', 'lease.expire-local', 'activate.drop', 'activate.start']);
  });

  test('without a database is over when its time is, and taken up again with the database', async () => {
    const { result, story } = await lab({
      nodes: 1,
      script: async ({ call, judges, sleep }) => {
        await call('a', 'add');
        judges.database = (event) =>
          event.operation === 'commit' && !event.readOnly ? { kind: 'fail', code: 1021, applied: false } : undefined;
        await sleep(7_000_000);
        judges.database = () => undefined;
        return call('a', 'add', null, { deadlineMicros: 30_000_000 });
      },
    });
    expect(result).toEqual(ok(2));
    expect(told(story, 'activate.drop').map(({ body }) => body.reason)).toEqual(['lease-expired']);
  });
});

test('what was read under a lease that is over is not answered, although no timer has told of its end', async () => {
  let open: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  const { result, story } = await lab({
    nodes: 1,
    // Renewals fail, so that the first lease is over after five seconds.
    parts: { renew: () => Promise.reject(new KelpieError('store-unavailable', 'not now')) },
    operations: { wait: (ctx) => gate.then(() => ctx.state.n) },
    script: async ({ call, judges, sleep, until, story: sofar }) => {
      judges.timer = ({ node }) => (node === 'n1' ? { kind: 'late', micros: 3_000_000 } : undefined);
      const answer = call('a', 'wait', null, { deadlineMicros: 60_000_000 });
      await until(() => told(sofar, 'invoke.start').length === 1);
      await sleep(6_000_000);
      const inTime = told(sofar, 'lease.expire-local').length;
      open();
      return { inTime, answer: await answer };
    },
  });
  expect(result).toEqual({ inTime: 0, answer: ok(0) });
  // Its client has asked more than once meanwhile.
  const [first, ...later] = told(story, 'invoke.end').map(({ body }) => `${body.outcome} ${body.token}`);
  expect(first).toBe('ended 1');
  expect(new Set(later)).toEqual(new Set(['ok 2']));
});
