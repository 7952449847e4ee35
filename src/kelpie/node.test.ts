import { describe, expect, test } from 'vitest';
import { lab, type LabContext, labActor, told } from '../../runner/fixtures/lab.js';
import { DatabaseError, transact } from '../ports.js';
import type { CallResult } from './client.js';
import { commitWrites } from './commit.js';
import { KelpieError } from './errors.js';
import { utf8 } from './json.js';
import { ActorKeys } from './keys.js';

const ok = (result: unknown): unknown => ({ kind: 'ok', result });
const codeOf = (result: CallResult): string => (result.kind === 'ok' ? 'ok' : `${result.kind} ${result.error.code}`);

describe('an actor', () => {
  test('keeps state and keys over invocations, deactivation and another node', async () => {
    const { result, story } = await lab({
      idleMicros: 2_000_000,
      script: async ({ call, sleep, world, owner }) => {
        const first = [await call('a', 'add'), await call('a', 'put', { key: 'k', value: { deep: [1] } })];
        const before = owner('a');
        await sleep(3_000_000);
        world.stop(before);
        await sleep(500_000);
        return { first, later: [await call('a', 'add'), await call('a', 'read', 'k')], moved: owner('a') !== before };
      },
    });
    expect(result).toEqual({ first: [ok(1), ok(null)], later: [ok(2), ok({ deep: [1] })], moved: true });
    expect(told(story, 'deactivate.done').map(({ body }) => body.outcome)).toContain('clean');
    expect(told(story, 'activate.load').map(({ body }) => body.stateVersion)).toEqual([0, 2]);
  });

  test('is undone whole by a throw, and goes on', async () => {
    const { result, story } = await lab({
      operations: {
        fail: async (ctx) => {
          ctx.state.n = 100;
          ctx.state.list.push('left over');
          await ctx.kv.set('k', 1);
          throw new Error('no');
        },
        look: async (ctx) => [ctx.state, await ctx.kv.list('')] as never,
      },
      script: async ({ call }) => [await call('a', 'add'), codeOf(await call('a', 'fail')), await call('a', 'look')],
    });
    expect(result).toEqual([ok(1), 'error actor-error', ok([{ n: 1, list: [] }, []])]);
    expect(told(story, 'rollback').map(({ body }) => body.reason)).toEqual(['actor-error']);
  });

  test('does not harm others by its throw, its slowness or its endless waiting', async () => {
    const { result } = await lab({
      nodes: 1,
      config: { invocationMicros: 3_000_000 },
      operations: {
        hang: () => new Promise(() => {}),
        fail: () => {
          throw new KelpieError('not-found', 'nothing here');
        },
      },
      script: async ({ call, platform }) => {
        const begun = platform.clock.monotonicMicros();
        const hanging = call('slow', 'hang', null, { deadlineMicros: 10_000_000 });
        const quick = [codeOf(await call('bad', 'fail')), await call('good', 'add')];
        const quickMicros = platform.clock.monotonicMicros() - begun;
        return { quick, quickMicros, hung: codeOf(await hanging), after: await call('slow', 'add') };
      },
    });
    expect(result).toMatchObject({ quick: ['error not-found', ok(1)], after: ok(1) });
    expect(result.quickMicros).toBeLessThan(200_000);
    expect(result.hung).toMatch(/timeout$/);
  });

  test('sees its own writes, and lists buffer and store as one', async () => {
    const { result } = await lab({
      operations: {
        fill: async (ctx) => {
          for (const key of ['a/1', 'a/2', 'a/3', 'b/1']) await ctx.kv.set(key, key);
          return null;
        },
        merge: async (ctx) => {
          await ctx.kv.delete('a/2');
          await ctx.kv.set('a/0', 'new');
          await ctx.kv.set('a/3', 'changed');
          return [
            await ctx.kv.list('a/'),
            await ctx.kv.list('a/', { reverse: true, limit: 2 }),
            await ctx.kv.range('a/1', 'b/1'),
            await ctx.kv.has('a/2'),
            await ctx.kv.get('b/1'),
          ] as never;
        },
        drop: async (ctx) => {
          await ctx.kv.clear();
          await ctx.kv.set('z', 1);
          return await ctx.kv.list('');
        },
        all: async (ctx) => (await ctx.kv.range('', '~')) as never,
      },
      script: async ({ call }) => [await call('a', 'fill'), await call('a', 'merge'), await call('a', 'drop'), await call('a', 'all')],
    });
    expect(result).toEqual([
      ok(null),
      ok([
        ['a/0', 'a/1', 'a/3'],
        ['a/3', 'a/1'],
        [
          { key: 'a/1', value: 'a/1' },
          { key: 'a/3', value: 'changed' },
        ],
        false,
        'b/1',
      ]),
      ok(['z']),
      ok([{ key: 'z', value: 1 }]),
    ]);
  });

  test('stores values and states longer than one key of the database holds, and leaves no chunk behind', async () => {
    const long = (letter: string, length: number): string => letter.repeat(length);
    const { result } = await lab({
      nodes: 1,
      idleMicros: 1_000_000,
      operations: {
        grow: async (ctx, length: number) => {
          ctx.state.list = [long('s', length)];
          await ctx.kv.set('v', long('v', length));
          return null;
        },
        sizes: async (ctx) => [
          (ctx.state.list[0] as string).length,
          ((await ctx.kv.get('v')) as string).length,
          (await ctx.kv.list('')).length,
        ],
        shrink: async (ctx) => {
          ctx.state.list = ['x'];
          await ctx.kv.set('v', 'x');
          return null;
        },
      },
      script: async ({ call, sleep, platform }) => {
        await call('a', 'grow', 350_000);
        await sleep(2_000_000);
        const sizes = await call('a', 'sizes');
        const keys = new ActorKeys(labActor('a').key);
        const stored = async (): Promise<number> =>
          (await transact(platform.database, (transaction) => transaction.getRange(keys.all.begin, keys.all.end))).items.length;
        const before = await stored();
        await call('a', 'shrink');
        return { sizes, chunks: before - (await stored()) + 1 };
      },
    });
    // Four chunks of the state and four of the value are gone; the shrinking call left one outcome more.
    expect(result).toEqual({ sizes: ok([350_000, 350_000, 1]), chunks: 8 });
  });

  test('runs one invocation at a time', async () => {
    let inside = 0;
    let most = 0;
    const { result } = await lab({
      nodes: 1,
      operations: {
        slow: async (ctx) => {
          inside += 1;
          most = Math.max(most, inside);
          await ctx.kv.get('x');
          inside -= 1;
          ctx.state.n += 1;
          return ctx.state.n;
        },
      },
      script: async ({ call }) => Promise.all(Array.from({ length: 20 }, () => call('a', 'slow'))),
    });
    expect(most).toBe(1);
    expect(result.map((answer) => (answer.kind === 'ok' ? answer.result : 0)).sort((a, b) => Number(a) - Number(b))).toEqual(
      Array.from({ length: 20 }, (_, i) => i + 1),
    );
  });

  test('whose state is damaged is reported with its key and left as it is', async () => {
    const { result } = await lab({
      nodes: 1,
      idleMicros: 1_000_000,
      script: async ({ call, sleep, platform }) => {
        await call('a', 'add');
        await sleep(2_000_000);
        const { state } = new ActorKeys(labActor('a').key);
        const damaged = utf8('no state at all');
        await transact(platform.database, async (transaction) => transaction.set(state, damaged));
        const answer = await call('a', 'add');
        const after = await transact(platform.database, (transaction) => transaction.get(state));
        return { answer, same: String(after) === String(damaged) };
      },
    });
    expect(result.same).toBe(true);
    expect(result.answer).toMatchObject({
      kind: 'error',
      error: { code: 'corrupted', message: expect.stringContaining('state of lab:a') },
    });
  });

  test('does not come up when its lease has run out while its first hook was committing', async () => {
    let activations = 0;
    const { result, story } = await lab({
      nodes: 1,
      config: { leaseMicros: 2_000_000, leaseRenewMicros: 500_000, leaseGraceMicros: 200_000, leaseSkewMicros: 200_000 },
      hooks: {
        onActivate: (ctx) => {
          activations += 1;
          ctx.state.n += 1;
        },
      },
      script: async ({ call, judges }) => {
        // The first commit of the hook, and the renewals meanwhile, take longer than the lease.
        let slow = 0;
        judges.database = (event) => {
          if (event.operation !== 'commit' || event.readOnly || activations !== 1 || slow > 3) return undefined;
          slow += 1;
          return { kind: 'delay', micros: 2_500_000 };
        };
        return call('a', 'get');
      },
    });
    expect(activations).toBeGreaterThan(1);
    expect(told(story, 'activate.drop').length).toBeGreaterThan(0);
    // Each activation that came up did so before it was dropped.
    const dropped = new Set<number>();
    for (const { body } of story) {
      if (body.type === 'activate.drop') dropped.add(body.token);
      if (body.type === 'activate.done') expect(dropped).not.toContain(body.token);
    }
    expect(result.kind).toBe('ok');
  });

  test('may change things in its hooks, and is not active when the first one throws', async () => {
    const seen: string[] = [];
    const { result, story } = await lab({
      nodes: 1,
      idleMicros: 1_000_000,
      hooks: {
        onActivate: async (ctx) => {
          if (ctx.actor.id === 'bad') throw new Error('cannot start');
          await ctx.kv.set('activated', ctx.state.n);
        },
        onDeactivate: (ctx) => {
          seen.push(ctx.actor.id);
          ctx.state.n += 1_000;
        },
      },
      script: async ({ call, sleep }) => {
        const bad = codeOf(await call('bad', 'add', null, { deadlineMicros: 1_000_000 }));
        await call('a', 'add');
        await sleep(2_000_000);
        return { bad, n: await call('a', 'add'), kept: await call('a', 'read', 'activated') };
      },
    });
    expect(result).toEqual({ bad: 'error actor-error', n: ok(1_002), kept: ok(1_001) });
    expect(seen[0]).toBe('a');
    // The failed activation gave its claim back.
    expect(told(story, 'claim.release').map(({ body }) => body.actor)).toContain('lab:bad');
  });
});

describe('calls between actors', () => {
  const relay = async (ctx: LabContext, path: string[]): Promise<string[]> => {
    const [next, ...rest] = path;
    if (next === undefined) return [ctx.actor.id];
    return [ctx.actor.id, ...((await ctx.call(labActor(next), 'relay', rest)) as string[])];
  };

  test('go along a chain, at most five deep, and never back into it', async () => {
    const { result, story } = await lab({
      operations: { relay },
      script: async ({ call }) => [
        await call('a', 'relay', ['b', 'c', 'd', 'e', 'f']),
        await call('a', 'relay', ['b', 'c', 'd', 'e', 'f', 'g']),
        await call('a', 'relay', ['b', 'c', 'a']),
        await call('a', 'relay', ['a']),
      ],
    });
    expect(result[0]).toEqual(ok(['a', 'b', 'c', 'd', 'e', 'f']));
    expect(result[1]).toMatchObject({ kind: 'error', error: { code: 'too-large' } });
    expect(result[2]).toMatchObject({ kind: 'error', error: { code: 'reentrant', chain: ['lab:a', 'lab:b', 'lab:c'] } });
    expect(result[3]).toMatchObject({ kind: 'error', error: { code: 'reentrant', chain: ['lab:a'] } });
    expect(told(story, 'call.reject')).toHaveLength(2);
  });

  test('are bounded in number', async () => {
    const { result } = await lab({
      config: { callsInFlight: 2 },
      operations: {
        fan: async (ctx, count: number) => {
          const calls = Array.from({ length: count }, (_, i) => ctx.call(labActor(`t${i}`), 'add', null));
          return (await Promise.allSettled(calls)).map((call) => (call.status === 'fulfilled' ? 'ok' : (call.reason as KelpieError).code));
        },
      },
      script: async ({ call }) => [await call('a', 'fan', 2), await call('a', 'fan', 3)],
    });
    expect(result).toEqual([ok(['ok', 'ok']), ok(['ok', 'ok', 'overloaded'])]);
  });

  test('take effect once although the caller runs again', async () => {
    let runs = 0;
    const { result, story } = await lab({
      operations: {
        twice: async (ctx) => {
          runs += 1;
          ctx.state.n = (await ctx.call(labActor('b'), 'add', null)) as number;
          return ctx.state.n;
        },
      },
      parts: {
        commit: async (runtime, transaction, plan) =>
          plan.held.actor.id === 'a' && runs < 3
            ? { kind: 'conflict', error: new DatabaseError(1020, 'planted') }
            : commitWrites(runtime, transaction, plan),
      },
      script: async ({ call }) => [await call('a', 'twice'), await call('b', 'get'), await call('a', 'get')],
    });
    expect(runs).toBe(3);
    expect(result).toEqual([ok(1), ok(1), ok(1)]);
    expect(
      told(story, 'invoke.start')
        .filter(({ body }) => body.operation === 'twice')
        .map(({ body }) => body.tries),
    ).toEqual([1, 2, 3]);
  });
});
