import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { lab, labActor, told } from '../../runner/fixtures/lab.js';
import { DatabaseError, transact } from '../ports.js';
import type { DatabaseEvent, DatabaseVerdict } from '../sim/seams.js';
import { commitWrites, readFence, resolveCommit } from './commit.js';
import { ActorKeys } from './keys.js';
import { appliedBy, EARLIER_TOKENS_MAX, EMPTY_HEAD, type Head, headAfter, placementRecord } from './records.js';

const ok = (result: unknown): unknown => ({ kind: 'ok', result });

/** Answers the first `times` commits that write something. */
const atCommits =
  (times: number, verdict: DatabaseVerdict) =>
  (event: DatabaseEvent): DatabaseVerdict | undefined => {
    if (event.operation !== 'commit' || event.readOnly || times === 0) return undefined;
    times -= 1;
    return verdict;
  };

describe('a commit', () => {
  for (const applied of [true, false]) {
    for (const code of [1021, 1031, 1039]) {
      test(`that is ${applied ? '' : 'not '}applied and answers ${code} is found out and takes effect once`, async () => {
        const { result, story } = await lab({
          nodes: 1,
          script: async ({ call, judges }) => {
            await call('a', 'add');
            judges.database = atCommits(1, { kind: 'fail', code, applied });
            const answer = await call('a', 'add');
            return [answer, await call('a', 'get')];
          },
        });
        expect(result).toEqual([ok(2), ok(2)]);
        expect(told(story, 'commit.resolved').map(({ body }) => body.applied)).toEqual([applied]);
        expect(told(story, 'rollback')).toHaveLength(applied ? 0 : 1);
      });
    }
  }

  test('that stays unknown ends the activation, and the next one reads what the store has', async () => {
    for (const applied of [true, false]) {
      const { result, story } = await lab({
        nodes: 1,
        parts: { resolve: async () => 'unknown' },
        script: async ({ call, judges }) => {
          await call('a', 'add');
          judges.database = atCommits(1, { kind: 'fail', code: 1021, applied });
          const first = await call('a', 'add', null, { requestId: 'once', deadlineMicros: 8_000 });
          await call('a', 'add', null, { requestId: 'once' });
          return [first.kind, await call('a', 'get')];
        },
      });
      expect(result).toEqual(['unknown', ok(2)]);
      expect(told(story, 'activate.drop').map(({ body }) => body.reason)).toEqual(['commit-unknown']);
    }
  });

  test('that conflicts until the deadline ends its invocation, which is told like every end', async () => {
    const { result, story } = await lab({
      nodes: 1,
      parts: {
        commit: async ({ platform }) => {
          await platform.clock.sleep(1_000_000);
          return { kind: 'conflict', error: new DatabaseError(1020, 'not committed') };
        },
      },
      script: async ({ call, sleep }) => {
        const answer = await call('a', 'add', null, { deadlineMicros: 500_000 });
        await sleep(5_000_000);
        return answer.kind;
      },
    });
    expect(result).toBe('unknown');
    expect(told(story, 'invoke.start').map(({ body }) => body.tries)).toEqual([1]);
    expect(told(story, 'invoke.end').map(({ body }) => body.outcome)).toEqual(['timeout']);
  });

  test('that was lost on its way cannot arrive after it has been resolved', async () => {
    const { result } = await lab({
      nodes: 1,
      parts: {
        // The commit is held back until it has been declared lost; only then is it sent.
        commit: async (runtime, transaction, plan) => {
          if (plan.sequence !== 2) return commitWrites(runtime, transaction, plan);
          await transaction.get(plan.held.keys.placement);
          transaction.addReadConflictRange(plan.held.keys.head, plan.held.keys.headEnd);
          transaction.set(plan.held.keys.state, new Uint8Array([1, 2, 3]));
          const resolution = await resolveCommit(runtime, plan);
          const late = await transaction.commit().then(
            () => 'committed',
            (error: DatabaseError) => String(error.code),
          );
          return { kind: 'duplicate', outcome: sealedText(`${resolution}, then ${late}`) };
        },
      },
      script: async ({ call }) => [await call('a', 'add'), await call('a', 'add')],
    });
    expect(result[1]).toEqual(ok('lost, then 1020'));
  });

  test('of a repeated request is not made again, also after the node was killed', async () => {
    const { result, story } = await lab({
      script: async ({ call, world, owner, sleep }) => {
        const first = await call('a', 'add', null, { requestId: 'pay' });
        const again = await call('a', 'add', null, { requestId: 'pay' });
        const node = owner('a');
        world.kill(node, 'test');
        world.restart(node);
        await sleep(1_000_000);
        const later = await call('a', 'add', null, { requestId: 'pay' });
        return { answers: [first, again, later, await call('a', 'get')] };
      },
    });
    expect(result.answers).toEqual([ok(1), ok(1), ok(1), ok(1)]);
    expect(told(story, 'request.duplicate').map(({ body }) => body.how)).toEqual(['stored', 'stored']);
  });

  test('keeps outcomes for their time and then forgets them', async () => {
    const { result } = await lab({
      nodes: 1,
      config: { outcomeKeptMicros: 2_000_000 },
      script: async ({ call, sleep, platform }) => {
        const stored = async (): Promise<number> => {
          const { begin, end } = new ActorKeys(labActor('a').key).all;
          const { items } = await transact(platform.database, (transaction) => transaction.getRange(begin, end));
          return items.filter(({ key }) => new TextDecoder().decode(key).includes('/done/')).length;
        };
        const counts = [];
        for (let round = 0; round < 8; round++) {
          for (let i = 0; i < 5; i++) await call('a', 'add');
          counts.push(await stored());
          await sleep(900_000);
        }
        return counts;
      },
    });
    // Nothing goes before it is two seconds old, and it never grows beyond what two such times bring.
    expect(result.slice(0, 3)).toEqual([5, 10, 15]);
    expect(Math.max(...result)).toBeLessThanOrEqual(30);
    expect(result[7]).toBeLessThan(30);
  });

  test('with too much in it is refused before it is sent, and undone', async () => {
    const { result } = await lab({
      nodes: 1,
      operations: {
        many: async (ctx) => {
          for (let i = 0; i < 12; i++) await ctx.kv.set(`k${i}`, 'x'.repeat(900_000));
          return null;
        },
        huge: (ctx) => {
          ctx.state.list = ['x'.repeat(10_000_001)];
        },
        answer: () => 'x'.repeat(1_000_001),
        value: async (ctx) => {
          await ctx.kv.set('k', 'x'.repeat(1_000_001));
        },
        key: async (ctx) => {
          await ctx.kv.set('k'.repeat(9_501), 1);
        },
        keys: async (ctx) => (await ctx.kv.list('')) as never,
      },
      script: async ({ call }) => {
        const codes = [];
        for (const operation of ['many', 'huge', 'answer', 'value', 'key']) {
          const answer = await call('a', operation);
          codes.push(answer.kind === 'error' ? answer.error.code : answer.kind);
        }
        return [codes, await call('a', 'keys'), await call('a', 'get')];
      },
    });
    expect(result).toEqual([Array.from({ length: 5 }, () => 'too-large'), ok([]), ok(0)]);
  });
});

describe('a fence', () => {
  test('lets a claim pass under its own placement, and tells it the token of every other', async () => {
    const own = { node: 'n1', life: 1, claim: 'n1.1.9', generation: 9 };
    const { result } = await lab({
      nodes: 1,
      script: async ({ platform }) => {
        const actor = labActor('a');
        const keys = new ActorKeys(actor.key);
        const held = { actor, keys, claim: own.claim, token: 9, placement: placementRecord.encode(own), untilMicros: 0 };
        const answers = [];
        // Its own, one that differs in a byte, one that is longer, one that is shorter, its own in other words, and none.
        for (const placement of [
          own,
          { ...own, claim: 'n1.1.8', generation: 8 },
          { ...own, claim: 'n1.1.10', generation: 10 },
          { ...own, claim: 'n1.1', generation: 1 },
          { ...own, life: 10 },
          undefined,
        ]) {
          await transact(platform.database, async (transaction) => {
            if (placement === undefined) transaction.clear(keys.placement);
            else transaction.set(keys.placement, placementRecord.encode(placement));
          });
          answers.push(await transact(platform.database, (transaction) => readFence(transaction, held)));
        }
        return answers;
      },
    });
    expect(result).toEqual([undefined, 8, 10, 1, undefined, 0]);
  });
});

const sealedText = (text: string): Uint8Array => new TextEncoder().encode(JSON.stringify(text));

describe('a head', () => {
  /** Each step is a commit, under a new token or the one before, after some that were lost. */
  const history = fc.array(fc.record({ newToken: fc.boolean(), lost: fc.nat(2) }), { maxLength: 40 });

  test('tells of the last commit under each token whether it was applied, or that it is too long ago', () => {
    fc.assert(
      fc.property(history, (steps) => {
        let head: Head = EMPTY_HEAD;
        let token = 1;
        let sequence = 0;
        const newest = new Map<number, number>();
        for (const { newToken, lost } of steps) {
          if (newToken) {
            token += 1;
            sequence = 0;
          }
          sequence += lost + 1;
          head = headAfter(head, token, sequence);
          newest.set(token, sequence);
        }
        expect(head.version).toBe(steps.length);
        const tokens = [...newest.keys()].sort((a, b) => b - a);
        tokens.forEach((one, age) => {
          const number = newest.get(one) ?? 0;
          const remembered = age <= EARLIER_TOKENS_MAX;
          expect(appliedBy(head, one, number)).toBe(remembered ? 'yes' : 'unknown');
          if (remembered) expect(appliedBy(head, one, number + 1)).toBe('no');
        });
        expect(appliedBy(head, token + 1, 1)).toBe('no');
      }),
    );
  });
});
