import { describe, expect, test } from 'vitest';
import { lab, type LabContext, type LabOperation, type LabStage, told } from '../../runner/fixtures/lab.js';
import type { CallResult } from './client.js';
import { DatabaseError, databaseErrorCode, type NodeId } from '../ports.js';
import { KelpieError } from './errors.js';
import type { Json } from './json.js';
import { correctParts } from './parts.js';
import { labActor } from '../../runner/fixtures/lab.js';

const ok = (result: unknown): unknown => ({ kind: 'ok', result });
const codeOf = (result: CallResult): string => (result.kind === 'ok' ? 'ok' : `${result.kind} ${result.error.code}`);
/** Has this node itself invoke actor `a`. */
const invokeAt = (nodes: LabStage['nodes'], node: NodeId, operation: string, payload: Json): Promise<unknown> =>
  nodes.get(node)?.invoke(labActor('a'), operation, payload) ?? Promise.reject(new Error(`${node} is not up`));
const others = ({ owner, world }: LabStage, id: string): string[] => world.nodes.filter((node) => node !== owner(id));

describe('the dispatcher', () => {
  test('forwards calls to the node that holds the actor', async () => {
    const { result, story } = await lab({
      script: async (stage) => {
        const { call, nodes } = stage;
        const answers = [await call('a', 'add')];
        for (const node of others(stage, 'a')) {
          for (let i = 0; i < 2; i++) answers.push(ok(await nodes.get(node)?.invoke(labActor('a'), 'add', null)) as CallResult);
        }
        return answers;
      },
    });
    expect(result).toEqual([1, 2, 3, 4, 5].map(ok));
    expect(told(story, 'forward').map(({ body }) => body.hops)).toEqual([1, 1, 1, 1]);
    // The second call of a node knows the way.
    expect(told(story, 'claim.lost').filter(({ body }) => body.why === 'existing')).toHaveLength(2);
    expect(told(story, 'claim.commit')).toHaveLength(1);
  });

  test('serves a call once although every message comes twice', async () => {
    const { result, story, counts } = await lab({
      script: async ({ call, judges }) => {
        judges.packet = (event) =>
          event.phase === 'send' && event.carrier === 'datagram' ? { kind: 'duplicate', copies: 1, spreadMicros: 5_000 } : undefined;
        const answers = [];
        for (let i = 0; i < 10; i++) answers.push(await call('a', 'add'));
        return answers;
      },
    });
    expect(result).toEqual(Array.from({ length: 10 }, (_, i) => ok(i + 1)));
    expect(counts['network.duplicated']).toBeGreaterThan(20);
    expect(told(story, 'invoke.start')).toHaveLength(10);
  });

  test('gets a call through although the first message to the owner, and the first answer, are lost', async () => {
    const { result } = await lab({
      script: async (stage) => {
        const { call, judges, nodes, owner } = stage;
        await call('a', 'add');
        const [from = ''] = others(stage, 'a');
        const to = owner('a');
        let lost = 0;
        judges.packet = (event) => {
          const between = (event.from === from && event.to === to) || (event.from === to && event.to === from);
          if (!between || event.phase !== 'send' || lost >= 2) return undefined;
          lost += 1;
          return { kind: 'drop' };
        };
        return [await nodes.get(from)?.invoke(labActor('a'), 'add', null), lost, await call('a', 'get')];
      },
    });
    expect(result).toEqual([2, 2, ok(2)]);
  });

  test('tells a call as unsure once an owner that may have served it has not answered in time', async () => {
    const { result } = await lab({
      nodes: 2,
      script: async (stage) => {
        const { call, judges, nodes, owner, sleep, story } = stage;
        await call('a', 'add');
        const [from = ''] = others(stage, 'a');
        const to = owner('a');
        // Once the call is there, nothing passes between the two: neither its answer nor another try.
        const isThere = (): boolean => told(story, 'invoke.start').length === 2;
        let healed = false;
        judges.packet = (event) => {
          const between = (event.from === from && event.to === to) || (event.from === to && event.to === from);
          return between && event.phase === 'send' && !healed && isThere() ? { kind: 'drop' } : undefined;
        };
        const error = await nodes
          .get(from)
          ?.invoke(labActor('a'), 'add', null, { timeoutMicros: 8_000_000 })
          .catch((thrown: unknown) => KelpieError.from(thrown));
        healed = true;
        await sleep(1_000_000);
        return [error, await call('a', 'get')];
      },
    });
    // It took effect, so that it must not be told as failed.
    expect(result).toEqual([expect.objectContaining({ unsure: true }), ok(2)]);
  });

  test('looks again for a call that the node it went to has certainly not served', async () => {
    const { result, story } = await lab({
      config: { hops: 1 },
      idleMicros: 200_000,
      script: async (stage) => {
        const { call, nodes, owner, sleep } = stage;
        const from = (node: NodeId = '') => invokeAt(nodes, node, 'add', null);
        await call('a', 'add');
        const first = owner('a');
        const [knows, next] = others(stage, 'a');
        await from(knows);
        // It goes idle there, and comes up on a third node, which neither of the two has heard of.
        await sleep(1_000_000);
        await from(next);
        return [await from(knows), first, owner('a'), next];
      },
    });
    const [served, first, last, next] = result as readonly unknown[];
    expect([served, last]).toEqual([4, next]);
    expect(told(story, 'forward.fail').map(({ body }) => [body.to, body.why])).toEqual([[first, 'not-owner']]);
  });

  test('takes the late answer of a slow owner', async () => {
    const { result, story } = await lab({
      config: { forwardMicros: 100_000 },
      operations: {
        slow: async (ctx) => {
          for (let i = 0; i < 300; i++) await ctx.kv.get('x');
          ctx.state.n += 1;
          return ctx.state.n;
        },
      },
      script: async (stage) => {
        const { call, nodes } = stage;
        await call('a', 'get');
        const [from = ''] = others(stage, 'a');
        return nodes.get(from)?.invoke(labActor('a'), 'slow', null);
      },
    });
    expect(result).toBe(1);
    expect(told(story, 'forward.fail').length).toBeGreaterThan(0);
  });

  test('takes no late answer that is not stored: another try of the call may still have an effect', async () => {
    let runs = 0;
    const { result, story } = await lab({
      config: { forwardMicros: 100_000 },
      operations: {
        slow: async (ctx) => {
          for (let i = ++runs === 1 ? 0 : 290; i < 300; i++) await ctx.kv.get('x');
          return ctx.state.n;
        },
      },
      script: async (stage) => {
        const { call, nodes } = stage;
        await call('a', 'get');
        const [from = ''] = others(stage, 'a');
        return { from, answer: await nodes.get(from)?.invoke(labActor('a'), 'slow', null) };
      },
    });
    expect(result.answer).toBe(0);
    expect(told(story, 'forward.fail').length).toBeGreaterThan(0);
    const stored = story.findIndex(({ body }) => body.type === 'commit.done');
    expect(stored).toBeGreaterThan(-1);
    expect(story.findLastIndex(({ body, node }) => body.type === 'request.answer' && node === result.from)).toBeGreaterThan(stored);
  });

  test('hears the first answer of a request whose forward it sends again', async () => {
    let between = 0;
    const take: LabOperation = (ctx) => {
      const { n } = ctx.state;
      ctx.state.n = 0;
      return n;
    };
    const { result, story } = await lab({
      nodes: 2,
      operations: { take, ask: (ctx) => ctx.call(labActor('a'), 'take', null) },
      script: async (stage) => {
        const { call, judges, nodes, owner, story: told_ } = stage;
        await call('a', 'add');
        const [from = ''] = others(stage, 'a');
        const to = owner('a');
        await nodes.get(from)?.invoke(labActor('b'), 'get', null);
        // The first answer does not come through: not before as many forwards have failed as are to fail.
        const answers = [];
        for (const failing of [1, 3]) {
          const before = told(told_, 'forward.fail').length;
          judges.packet = (event) => {
            if (event.phase !== 'send' || event.from !== to || event.to !== from) return undefined;
            if (told(told_, 'forward.fail').length - before >= failing) return undefined;
            between += 1;
            return { kind: 'drop' };
          };
          answers.push(failing === 1 ? await nodes.get(from)?.invoke(labActor('a'), 'take', null) : await call('b', 'ask'));
          await call('a', 'add');
        }
        return answers;
      },
    });
    expect(between).toBeGreaterThan(0);
    expect(told(story, 'forward.fail').length).toBeGreaterThanOrEqual(4);
    expect(result).toEqual([1, ok(1)]);
  });

  test('refuses what is too much for one actor and for the node, and answers every call', async () => {
    const { result, story, counts } = await lab({
      nodes: 1,
      config: { pendingPerActor: 5, mailbox: 8 },
      operations: { slow: async (ctx) => (await ctx.kv.get('x')) ?? null },
      script: async ({ nodes }) => {
        const node = nodes.get('n1');
        const call = async (id: string): Promise<string> => {
          try {
            await node?.invoke(labActor(id), 'slow', null);
            return 'ok';
          } catch (error) {
            return KelpieError.from(error).code;
          }
        };
        return Promise.all([...Array.from({ length: 7 }, () => call('a')), ...Array.from({ length: 5 }, () => call('b'))]);
      },
    });
    expect(result).toEqual([
      ...Array.from({ length: 5 }, () => 'ok'),
      'overloaded',
      'overloaded',
      'ok',
      'ok',
      'ok',
      'overloaded',
      'overloaded',
    ]);
    expect(Math.max(...told(story, 'request.accept').map(({ body }) => body.pending))).toBe(5);
    expect(told(story, 'request.answer')).toHaveLength(8);
    expect(counts.pending).toBe(0);
  });

  test('names what it does not know', async () => {
    const { result } = await lab({
      nodes: 1,
      script: async ({ client, call, nodes }) => {
        const unknown = await client.invoke({ ...labActor('a'), namespace: 'ghost' as never, key: 'ghost:a' as never }, 'get', null);
        const bad = await call('a', 'no-such-operation');
        const wrong = await nodes
          .get('n1')
          ?.invoke(labActor('a'), '', null)
          .catch((error: unknown) => KelpieError.from(error).code);
        return [codeOf(unknown), codeOf(bad), wrong];
      },
    });
    expect(result).toEqual(['error not-found', 'error actor-error', 'invalid-argument']);
  });

  test('puts an actor on another node when this one is full, and says so when all are', async () => {
    const { result } = await lab({
      nodes: 2,
      config: { capacity: 2, nodeListMicros: 0 },
      script: async ({ call, owner }) => {
        const codes = [];
        for (let i = 0; i < 5; i++) codes.push(codeOf(await call(`a${i}`, 'add', null, { deadlineMicros: 1_000_000 })));
        const placed = ['a0', 'a1', 'a2', 'a3'].map(owner);
        return { codes, counts: ['n1', 'n2'].map((node) => placed.filter((one) => one === node).length) };
      },
    });
    expect(result).toEqual({ codes: ['ok', 'ok', 'ok', 'ok', 'error overloaded'], counts: [2, 2] });
  });

  test('spreads actors by load', async () => {
    const { result } = await lab({
      config: { placement: 'least-loaded', nodeListMicros: 0 },
      script: async ({ call, owner, world }) => {
        for (let i = 0; i < 9; i++) await call(`a${i}`, 'add');
        const placed = Array.from({ length: 9 }, (_, i) => owner(`a${i}`));
        return world.nodes.map((node) => placed.filter((one) => one === node).length);
      },
    });
    expect(result).toEqual([3, 3, 3]);
  });
});

describe('a call between actors', () => {
  const operations = {
    fail: () => {
      throw new Error('refused');
    },
    busy: () => {
      throw new KelpieError('overloaded', 'come again');
    },
    ask: (ctx: LabContext, { id, operation }: { id: string; operation: string }) => ctx.call(labActor(id), operation, null),
    /** How long it took until a call with that much time failed. */
    patience: async (ctx: LabContext, timeoutMicros: number) => {
      const start = ctx.wallMicros();
      const code = await ctx.call(labActor('b'), 'busy', null, { timeoutMicros }).then(
        () => 'ok',
        (error: unknown) => KelpieError.from(error).code,
      );
      return { code, micros: ctx.wallMicros() - start };
    },
  };

  test('that has failed for certain is told so, and its caller is not left in doubt', async () => {
    const { result } = await lab({
      operations,
      script: async ({ call }) => codeOf(await call('a', 'ask', { id: 'b', operation: 'fail' })),
    });
    expect(result).toBe('error actor-error');
  });

  // Seed 3802 of `backpressure`: a node was full of calls that waited for an actor, which waited for one that could not be called.
  test('is let into a node that is full of calls which wait for it', async () => {
    const { result, story } = await lab({
      nodes: 1,
      config: { mailbox: 1 },
      operations,
      script: async ({ call }) => call('a', 'ask', { id: 'b', operation: 'add' }),
    });
    expect(result).toEqual(ok(1));
    expect(told(story, 'request.refuse')).toEqual([]);
  });

  test('leaves doubt when it fails for certain in the end and may have been served before', async () => {
    const { result, story } = await lab({
      operations,
      parts: { afterFailedForward: () => 'give-up' },
      script: async (stage) => {
        const { call, judges, nodes, owner } = stage;
        await call('b', 'add');
        const [from = ''] = others(stage, 'b');
        const asked = (operation: string, payload: Json) => invokeAt(nodes, from, operation, payload);
        await asked('add', null);
        expect(owner('a')).toBe(from);
        let lost = 0;
        // The first message that asks for it does not arrive, and its sender cannot know.
        judges.packet = (event) =>
          event.from === from && event.to === owner('b') && event.phase === 'send' && lost++ === 0 ? { kind: 'drop' } : undefined;
        const { code, unsure } = KelpieError.from(await asked('ask', { id: 'b', operation: 'fail' }).catch((error: unknown) => error));
        return { code, unsure };
      },
    });
    expect(told(story, 'forward.fail').map(({ body }) => body.why)).toEqual(['timeout']);
    expect(result).toEqual({ code: 'actor-error', unsure: true });
  });

  test('that is tried again after an uncertain end is looked up first, where nobody remembers that it was served', async () => {
    const { result, story } = await lab({
      operations: {
        ...operations,
        /** To run it again is to refuse what was done. */
        first: (ctx: LabContext) => {
          if (ctx.state.n > 0) throw new Error('somebody was first');
          ctx.state.n = 1;
          return 'done';
        },
      },
      parts: { afterFailedForward: () => 'give-up' },
      script: async (stage) => {
        const { call, judges, nodes, owner, world } = stage;
        await call('b', 'get');
        const [from = ''] = others(stage, 'b');
        const asked = (operation: string, payload: Json) => invokeAt(nodes, from, operation, payload);
        await asked('get', null);
        const to = owner('b');
        // It is served there, and the node dies before its answer is on the way.
        judges.packet = (event) => {
          if (event.from !== to || event.to !== from || event.phase !== 'send' || told(stage.story, 'call.end').length > 0)
            return undefined;
          if (!told(stage.story, 'commit.done').some(({ node, body }) => node === to && body.actor === 'lab:b')) return undefined;
          world.kill(to, 'test');
          return { kind: 'drop' };
        };
        return [await asked('ask', { id: 'b', operation: 'first' }), await call('b', 'get')];
      },
    });
    expect(told(story, 'forward.fail').length).toBeGreaterThan(0);
    expect(result).toEqual(['done', ok(1)]);
  });

  test('leaves doubt when it fails for certain and a run before, which was undone by a conflict, has made it', async () => {
    let refused = 0;
    let conflicts = 0;
    const { result, story } = await lab({
      nodes: 1,
      operations: {
        /** Changes something, so that there is a commit that can conflict. */
        pass: (ctx: LabContext) => {
          ctx.state.n += 1;
          return ctx.call(labActor('b'), 'add', null, { timeoutMicros: 300_000 });
        },
      },
      parts: {
        // The first call of the actor is let in, and then none for as long as its caller tries.
        admission: (config) => {
          const own = correctParts.admission(config);
          return {
            enter: (actor) => (actor === 'lab:b' && conflicts > 0 && refused++ < 100 ? undefined : own.enter(actor)),
            leave: (actor) => own.leave(actor),
          };
        },
        commit: (runtime, transaction, plan) =>
          plan.held.actor.key === 'lab:a' && conflicts++ === 0
            ? Promise.resolve({ kind: 'conflict', error: new DatabaseError(databaseErrorCode.notCommitted, 'somebody else was first') })
            : correctParts.commit(runtime, transaction, plan),
      },
      script: async ({ call, nodes }) => {
        await call('a', 'get');
        const passed = nodes.get('n1')?.invoke(labActor('a'), 'pass', null) ?? Promise.reject(new Error('n1 is not up'));
        const { code, unsure } = KelpieError.from(await passed.catch((error: unknown) => error));
        refused = 100;
        return { code, unsure, added: await call('b', 'get') };
      },
    });
    expect(told(story, 'call.end').map(({ body }) => body.outcome)).toEqual(['ok', 'overloaded']);
    expect(result).toEqual({ code: 'overloaded', unsure: true, added: ok(1) });
  });

  test('is given up when there is no time left for another try', async () => {
    const { result, story } = await lab({ nodes: 1, operations, script: ({ call }) => call('a', 'patience', 700_000) });
    const { code, micros } = (result.kind === 'ok' ? result.result : {}) as { code: string; micros: number };
    expect(code).toBe('overloaded');
    expect(micros).toBeLessThan(700_000);
    expect(told(story, 'invoke.start').filter(({ body }) => body.operation === 'busy').length).toBeGreaterThan(3);
  });
});

test('a call that comes while the actor goes down is served afterwards, or told in time that it was not', async () => {
  let release = (): void => {};
  const { result } = await lab({
    nodes: 1,
    idleMicros: 1_000_000,
    hooks: {
      onDeactivate: (ctx) => (ctx.state.n === 1 ? new Promise<void>((resolve) => (release = resolve)) : undefined),
    },
    script: async ({ call, sleep, nodes, platform }) => {
      await call('a', 'add');
      await sleep(1_500_000);
      const node = nodes.get('n1');
      const begun = platform.clock.monotonicMicros();
      const early = await node
        ?.invoke(labActor('a'), 'add', null, { timeoutMicros: 500_000 })
        .catch((error: unknown) => KelpieError.from(error).code);
      const waited = platform.clock.monotonicMicros() - begun;
      const later = node?.invoke(labActor('a'), 'add', null);
      await sleep(100_000);
      release();
      return { early, waited, later: await later };
    },
  });
  expect(result).toMatchObject({ early: 'timeout', later: 2 });
  expect(result.waited).toBeLessThan(600_000);
});

describe('shutdown', () => {
  test('answers every call, gives every claim back, and leaves the registry', async () => {
    const { result, story } = await lab({
      operations: { slow: async (ctx) => ((await ctx.kv.get('x')) ?? (ctx.state.n += 1)) as number },
      script: async ({ nodes, world, until, story: told_ }) => {
        const node = nodes.get('n1');
        const calls = Array.from({ length: 30 }, (_, i) =>
          (node?.invoke(labActor(`a${i % 3}`), 'slow', null) ?? Promise.reject(new Error('no node'))).then(
            () => 'ok',
            (error: unknown) => KelpieError.from(error).code,
          ),
        );
        world.stop('n1');
        const answers = await Promise.all(calls);
        const late = await node?.invoke(labActor('a0'), 'slow', null).catch((error: unknown) => KelpieError.from(error).code);
        await until(() => told_.some(({ body }) => body.type === 'node.leave'));
        return { answers: [...new Set(answers)], late };
      },
    });
    expect(result.answers).toEqual(['ok']);
    expect(result.late).toBe('shutting-down');
    expect(told(story, 'node.leave').map(({ body }) => [body.abandoned, body.unreleased])).toEqual([[0, 0]]);
    expect(told(story, 'claim.release')).toHaveLength(3);
    expect(told(story, 'request.answer')).toHaveLength(told(story, 'request.accept').length);
  });

  test('stops within its bound what does not end by itself', async () => {
    const { result, story } = await lab({
      config: { drainMicros: 500_000 },
      operations: { hang: () => new Promise(() => {}) },
      script: async ({ nodes, world, until, story: told_, platform }) => {
        const hanging = nodes
          .get('n1')
          ?.invoke(labActor('a'), 'hang', null)
          .catch((error: unknown) => KelpieError.from(error).code);
        const queued = nodes
          .get('n1')
          ?.invoke(labActor('a'), 'get', null)
          .catch((error: unknown) => KelpieError.from(error).code);
        await platform.clock.sleep(100_000);
        const begun = platform.clock.monotonicMicros();
        world.stop('n1');
        const answers = [await hanging, await queued];
        await until(() => told_.some(({ body }) => body.type === 'node.leave'));
        return { answers, micros: platform.clock.monotonicMicros() - begun };
      },
    });
    expect(result.answers).toEqual(['shutting-down', 'shutting-down']);
    expect(result.micros).toBeLessThan(1_000_000);
    expect(told(story, 'node.leave').map(({ body }) => [body.abandoned, body.unreleased])).toEqual([[2, 0]]);
  });

  test('answers a call that it has forwarded and that no other node answers', async () => {
    const { result, story } = await lab({
      nodes: 2,
      config: { drainMicros: 100_000, forwardMicros: 30_000_000 },
      script: async ({ nodes, world, judges, until, story: told_, sleep }) => {
        await nodes.get('n2')?.invoke(labActor('a'), 'add', null);
        // From now on nothing comes back from the holder.
        judges.packet = (event) => (event.from === 'n2' && event.to === 'n1' ? { kind: 'drop' } : undefined);
        const answer = nodes
          .get('n1')
          ?.invoke(labActor('a'), 'add', null)
          .catch((error: unknown) => KelpieError.from(error));
        await sleep(500_000);
        world.stop('n1');
        await until(() => told_.some(({ body }) => body.type === 'node.leave'));
        return answer;
      },
    });
    // It was carried out, so that it must not be told as failed.
    expect(result).toMatchObject({ code: 'shutting-down', unsure: true });
    expect(told(story, 'node.leave').map(({ body }) => [body.abandoned, body.unreleased])).toEqual([[1, 0]]);
    expect(told(story, 'request.answer').filter(({ node }) => node === 'n1')).toHaveLength(1);
  });

  test('that is asked for while the node starts still ends it', async () => {
    const { result } = await lab({
      nodes: 2,
      script: async ({ nodes, world, judges, sleep }) => {
        world.kill('n1', 'test');
        judges.database = (event) => (event.node === 'n1' ? { kind: 'delay', micros: 300_000 } : undefined);
        world.restart('n1');
        await sleep(100_000);
        const starting = nodes.get('n1')?.phase;
        world.stop('n1');
        await sleep(5_000_000);
        return [starting, nodes.get('n1')?.phase];
      },
    });
    expect(result).toEqual(['starting', 'stopped']);
  });
});
