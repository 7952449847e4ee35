import { describe, expect, test } from 'vitest';
import { lab, labActor, type LabContext, type LabOperation, told } from '../../runner/fixtures/lab.js';
import { DatabaseError, databaseErrorCode, type Micros, transact } from '../ports.js';
import { commitWrites } from './commit.js';
import { KelpieError } from './errors.js';
import type { Json } from './json.js';
import { ActorKeys } from './keys.js';
import { type LeaseTerm, monotonicLeaseTerm } from './lease.js';

const ok = (result: unknown): unknown => ({ kind: 'ok', result });

/** Takes what there is, and says whether there was anything: whoever asks twice is told something else, and changes nothing then. */
const take: LabOperation = (ctx) => {
  if (ctx.state.n === 0) return 'nothing';
  ctx.state.n = 0;
  return 'taken';
};

/** Leases on a clock that is ahead of the timers by so much: the node has slept, and no timer has had its turn yet. */
const aheadBy = (micros: () => Micros): LeaseTerm => ({
  ...monotonicLeaseTerm,
  now: (clock) => monotonicLeaseTerm.now(clock) + micros(),
});

describe('an invocation', () => {
  test('that runs again after a conflict hears from other actors what it heard before', async () => {
    let conflicts = 0;
    const { result, story } = await lab({
      nodes: 1,
      operations: {
        take,
        move: async (ctx) => {
          ctx.state.list.push(await ctx.call(labActor('b'), 'take', null));
          return ctx.state.list;
        },
      },
      script: async ({ call, judges }) => {
        await call('b', 'add');
        await call('a', 'get');
        let commits = 0;
        judges.database = (event) => {
          if (event.operation !== 'commit' || event.readOnly) return undefined;
          commits += 1;
          // The first commit is that of the actor that is called, the second one that of its caller.
          if (commits !== 2) return undefined;
          conflicts += 1;
          return { kind: 'fail', code: 1020, applied: false };
        };
        return [await call('a', 'move'), await call('b', 'get')];
      },
    });
    expect(conflicts).toBe(1);
    expect(result).toEqual([ok(['taken']), ok(0)]);
    expect(told(story, 'invoke.start').filter(({ body }) => body.operation === 'move')).toHaveLength(2);
  });

  test('of a request that may come again has one answer, although it had no effect', async () => {
    const { result } = await lab({
      nodes: 1,
      operations: { take },
      script: async ({ call }) => [
        await call('a', 'take', null, { requestId: 'once' }),
        await call('a', 'add'),
        await call('a', 'take', null, { requestId: 'once' }),
        await call('a', 'get'),
      ],
    });
    expect(result).toEqual([ok('nothing'), ok(1), ok('nothing'), ok(1)]);
  });

  // Seed 7639 of `ledger`: a courier whose ledgers answered slowly was repeated for ever.
  test('of a request that has come before commits although its calls take longer than a transaction may', async () => {
    let napping: (() => Promise<Json>) | undefined;
    const { result } = await lab({
      nodes: 1,
      config: { storeMicros: 1_000_000 },
      operations: {
        slow: async (ctx) => {
          await ctx.call(labActor('b'), 'sleep', null);
          ctx.state.n += 1;
          return ctx.state.n;
        },
        sleep: () => napping?.(),
      },
      script: async ({ call, sleep }) => {
        napping = () => sleep(1_500_000).then(() => null);
        // A request id that its caller chose may have come before.
        return [await call('a', 'slow', null, { requestId: 'again', deadlineMicros: 8_000_000 }), await call('a', 'get')];
      },
    });
    expect(result).toEqual([ok(1), ok(1)]);
  });

  test('is ended at its deadline also when the actor has committed before', async () => {
    const { result, story } = await lab({
      nodes: 1,
      operations: { hang: () => new Promise(() => {}) },
      script: async ({ call }) => [
        await call('a', 'add'),
        (await call('a', 'hang', null, { deadlineMicros: 500_000 })).kind,
        await call('a', 'add'),
      ],
    });
    expect(result).toEqual([ok(1), 'error', ok(2)]);
    expect(told(story, 'invoke.end').map(({ body }) => body.outcome)).toEqual(['ok', 'timeout', 'ok']);
  });

  test('of a hook is ended at the deadline of a call, and the activation fails with it', async () => {
    let tries = 0;
    const { result, story } = await lab({
      nodes: 1,
      config: { invocationMicros: 1_000_000 },
      hooks: { onActivate: () => (++tries === 1 ? new Promise<undefined>(() => {}) : undefined) },
      script: async ({ nodes, sleep, call }) => {
        const first = nodes
          .get('n1')
          ?.invoke(labActor('a'), 'add', null)
          .catch(() => 'failed');
        await sleep(5_000_000);
        return [await first, await call('a', 'add')];
      },
    });
    expect(result).toEqual(['failed', ok(1)]);
    expect(told(story, 'activate.fail').map(({ body }) => body.code)).toEqual(['timeout']);
  });

  test('is not begun on a lease that is over, although no timer has told so yet', async () => {
    let aheadMicros = 0;
    const begun: string[] = [];
    const { result, story } = await lab({
      nodes: 1,
      parts: { leaseTerm: aheadBy(() => aheadMicros) },
      operations: {
        look: (ctx) => {
          begun.push(ctx.actor.key);
          return ctx.state.n;
        },
      },
      script: async ({ call }) => {
        await call('a', 'add');
        // The node has slept, and its clock is the first to know.
        aheadMicros = 20_000_000;
        return call('a', 'look');
      },
    });
    expect(result).toEqual(ok(1));
    expect(told(story, 'lease.expire-local')).toHaveLength(1);
    // The activation that took over has run it, and none before.
    expect(begun).toHaveLength(1);
  });

  test('whose commit is refused for another claim loses its lease to that, and for its own time gives the claim back', async () => {
    const ahead = [1, 0];
    const { result, story } = await lab({
      nodes: 1,
      parts: {
        commit: async (runtime, transaction, plan) => {
          const tokens = ahead.shift();
          return tokens === undefined
            ? commitWrites(runtime, transaction, plan)
            : { kind: 'fenced', newestToken: plan.held.token + tokens };
        },
      },
      script: ({ call }) => call('a', 'add'),
    });
    expect(result).toEqual(ok(1));
    expect(told(story, 'activate.drop').map(({ body }) => body.reason)).toEqual(['lease-lost', 'lease-expired']);
    const [lost] = told(story, 'lease.lost');
    expect(lost?.body.newestToken).toBe((lost?.body.token ?? 0) + 1);
    expect(told(story, 'lease.lost')).toHaveLength(1);
  });

  test('that writes a long value and a short one leaves nothing of the long one behind when it is overwritten', async () => {
    const { result } = await lab({
      nodes: 1,
      operations: {
        both: async (ctx, length: number) => {
          await ctx.kv.set('long', 'v'.repeat(length));
          await ctx.kv.set('short', 'v');
          return null;
        },
      },
      script: async ({ call, platform }) => {
        const { kvChunks } = new ActorKeys(labActor('a').key);
        const chunks = async (): Promise<number> =>
          (await transact(platform.database, (transaction) => transaction.getRange(kvChunks.begin, kvChunks.end))).items.length;
        const counts = [];
        for (const length of [350_000, 1]) {
          await call('a', 'both', length);
          counts.push(await chunks());
        }
        return counts;
      },
    });
    expect(result).toEqual([4, 0]);
  });
});

test('a call that waits while its activation ends has done nothing, and fails for certain on the next one', async () => {
  let aheadMicros = 0;
  const { result, story } = await lab({
    nodes: 1,
    parts: { leaseTerm: aheadBy(() => aheadMicros) },
    operations: {
      refuse: () => {
        throw new KelpieError('invalid-argument', 'it says no');
      },
    },
    script: async ({ call, nodes }) => {
      await call('a', 'add');
      aheadMicros = 20_000_000;
      const asked = nodes.get('n1')?.invoke(labActor('a'), 'refuse', null);
      const { code, unsure } = KelpieError.from(await asked?.catch((error: unknown) => error));
      return { code, unsure };
    },
  });
  expect(told(story, 'lease.expire-local')).toHaveLength(1);
  expect(result).toEqual({ code: 'invalid-argument', unsure: false });
});

describe('the failure of an actor that has called another one', () => {
  const conflict = { kind: 'conflict', error: new DatabaseError(databaseErrorCode.notCommitted, 'somebody else was first') } as const;
  const refuse = (): never => {
    throw new KelpieError('invalid-argument', 'it says no');
  };

  /** What the caller is told; `runs` says what each run does. Its commits conflict while `conflicts` says so. */
  async function failureOf(runs: readonly LabOperation[], conflicts: (commits: number) => boolean = () => false) {
    let run = 0;
    let commits = 0;
    let aheadMicros = 0;
    const { result, story } = await lab({
      nodes: 1,
      parts: {
        leaseTerm: aheadBy(() => aheadMicros),
        commit: async (runtime, transaction, plan) =>
          plan.held.actor.key === 'lab:a' && conflicts(++commits) ? conflict : commitWrites(runtime, transaction, plan),
      },
      operations: {
        try: (ctx: LabContext, payload: never) => runs[Math.min(run++, runs.length - 1)]?.(ctx, payload),
        expire: () => {
          aheadMicros += 20_000_000;
          return null;
        },
      },
      script: async ({ nodes }) => {
        const asked = nodes.get('n1')?.invoke(labActor('a'), 'try', null, { timeoutMicros: 5_000_000 });
        const { code, unsure } = KelpieError.from(await asked?.catch((error: unknown) => error));
        return { code, unsure };
      },
    });
    return { ...result, stored: told(story, 'request.duplicate').filter(({ body }) => body.how === 'stored').length };
  }

  const callB = (ctx: LabContext): Promise<Json> => ctx.call(labActor('b'), 'add', null);
  const hang = (): Promise<never> => new Promise(() => {});
  const change = (ctx: LabContext): number => (ctx.state.n += 1);

  test('is certain where its own code fails', async () => {
    expect(await failureOf([(ctx) => callB(ctx).then(refuse)])).toMatchObject({ code: 'invalid-argument', unsure: false });
  });

  test('leaves doubt where its time is over', async () => {
    expect(await failureOf([(ctx) => callB(ctx).then(hang)])).toMatchObject({ code: 'timeout', unsure: true });
    expect(await failureOf([hang])).toMatchObject({ code: 'timeout', unsure: false });
  });

  test('leaves doubt where it cannot commit', async () => {
    const always = (): boolean => true;
    expect(await failureOf([(ctx) => callB(ctx).then(() => change(ctx))], always)).toMatchObject({
      code: 'transaction-conflict',
      unsure: true,
    });
    expect(await failureOf([change], always)).toMatchObject({ code: 'transaction-conflict', unsure: false });
  });

  test('leaves doubt where its own code fails in a run after one that called', async () => {
    const first = (commits: number): boolean => commits === 1;
    expect(await failureOf([(ctx) => callB(ctx).then(() => change(ctx)), refuse], first)).toMatchObject({
      code: 'invalid-argument',
      unsure: true,
    });
    expect(await failureOf([change, refuse], first)).toMatchObject({ code: 'invalid-argument', unsure: false });
  });

  // Seed 726 of `ledger`: the call of a courier that lost its lease came through after the next activation had been refused.
  test('leaves doubt where its activation ended in the middle, and what it calls then is looked up first', async () => {
    const loseLease = (ctx: LabContext): Promise<never> => ctx.call(labActor('b'), 'expire', null).then(hang);
    const after = (ctx: LabContext): Promise<never> => ctx.call(labActor('b'), 'get', null).then(refuse);
    expect(await failureOf([(ctx) => callB(ctx).then(() => loseLease(ctx)), (ctx) => callB(ctx).then(() => after(ctx))])).toEqual({
      code: 'invalid-argument',
      unsure: true,
      stored: 1,
    });
  });
});
