import { describe, expect, test, vi } from 'vitest';
import { type Rehearsed, rehearse, type Stage, type Told } from '../../../runner/fixtures/simulated-cluster.js';
import type { DatabaseEvent, PacketEvent } from '../../sim/seams.js';
import type { ActorType } from '../actor.js';
import { KelpieClient } from '../client.js';
import type { KelpieConfig } from '../config.js';
import { KelpieError } from '../errors.js';
import { type ActorRef, actorRef } from '../ids.js';
import { KelpieNode } from '../node.js';
import { correctParts, type KelpieParts } from '../parts.js';
import { type AbortedStep, migrate, type MigrationSteps } from './migration-parts.js';
import { decodeOrder } from './messages.js';
import { Migrations } from './migrations.js';

/** A slow machine needs longer than the default for tens of whole clusters. */
vi.setConfig({ testTimeout: 20_000 });

const SECOND = 1_000_000;
const NODES = ['n1', 'n2', 'n3'];

const CONFIG: Partial<KelpieConfig> = {
  leaseMicros: 6 * SECOND,
  leaseRenewMicros: SECOND,
  leaseGraceMicros: 500_000,
  leaseSkewMicros: 300_000,
  forwardMicros: 2 * SECOND,
  migrationStepMicros: SECOND,
  migrationCooldownMicros: 10 * SECOND,
};

const counter: ActorType<{ n: number }> = {
  namespace: 'counter',
  create: () => ({
    initialState: () => ({ n: 0 }),
    async invoke(ctx, operation) {
      if (operation === 'get') return ctx.state.n;
      ctx.state.n += 1;
      await ctx.kv.set('last', ctx.state.n);
      return ctx.state.n;
    },
  }),
};

interface Act extends Stage {
  readonly client: KelpieClient;
  sleep(seconds: number): Promise<void>;
}

const play = <T>(script: (act: Act) => Promise<T>, parts: KelpieParts = correctParts, seed = 1, seconds = 120): Promise<Rehearsed<T>> =>
  rehearse({
    nodes: NODES.length,
    seed,
    micros: seconds * SECOND,
    serve: (platform) =>
      new KelpieNode(platform, { config: CONFIG, parts, actors: [counter as ActorType], services: [new Migrations()] }).run(),
    script: (stage) =>
      script({
        ...stage,
        client: new KelpieClient(stage.platform, { nodes: NODES, attemptMicros: 2 * SECOND }),
        sleep: (by) => stage.platform.clock.sleep(by * SECOND),
      }),
  });

type Body<Type extends Told['body']['type']> = Extract<Told['body'], { readonly type: Type }>;

const told = <Type extends Told['body']['type']>(story: readonly Told[], type: Type): readonly (Body<Type> & { readonly node: string })[] =>
  story.filter(({ body }) => body.type === type).map(({ body, node }) => ({ ...(body as Body<Type>), node }));

const holderOf = (story: readonly Told[], actor: ActorRef): string => {
  const claims = told(story, 'claim.commit').filter((claim) => claim.actor === actor.key);
  return claims[claims.length - 1]?.node ?? 'nobody';
};

const otherThan = (node: string): string => NODES.find((other) => other !== node) ?? 'n1';

/**
 * No token is granted twice, no invocation begins under a token older than one that was told, and none begins at the source between
 * the stop of a migration and its next claim.
 */
function expectOneActivation(story: readonly Told[]): void {
  const newest = new Map<string, { readonly token: number; readonly claim: string }>();
  const stopped = new Map<string, number>();
  for (const { body } of story) {
    if (body.type === 'claim.commit') {
      const before = newest.get(body.actor);
      if (before !== undefined && before.claim !== body.claim) expect(body.token).not.toBe(before.token);
      if (before === undefined || body.token > before.token) newest.set(body.actor, body);
    }
    if (body.type === 'migrate.stop') stopped.set(body.actor, body.token);
    if (body.type === 'invoke.start') {
      expect(body.token).toBeGreaterThanOrEqual(newest.get(body.actor)?.token ?? 0);
      expect(body.token).toBeGreaterThan(stopped.get(body.actor) ?? 0);
    }
  }
}

describe('a migration', () => {
  test('moves the actor with its state, under the token that the move has written', async () => {
    const actor = actorRef('counter', 'a');
    const { result, story } = await play(async ({ client, story: sofar }) => {
      await client.invoke(actor, 'add', null);
      const from = holderOf(sofar, actor);
      const to = otherThan(from);
      const moved = await client.migrate(actor, to);
      return { from, to, moved, answer: await client.invoke(actor, 'add', null), holder: holderOf(sofar, actor) };
    });
    expect(result.moved).toEqual({ kind: 'ok', result: null });
    expect(result.answer).toEqual({ kind: 'ok', result: 2 });
    expect(result.holder).toBe(result.to);
    const [move] = told(story, 'migrate.move');
    expect(move).toMatchObject({ node: result.from, to: result.to, token: 1, newToken: 2 });
    expect(told(story, 'activate.load').map(({ node, token, stateVersion }) => [node, token, stateVersion])).toEqual([
      [result.from, 1, 0],
      [result.to, 2, 1],
    ]);
    const steps = story.filter(({ body }) => body.type.startsWith('migrate.')).map(({ body }) => body.type);
    expect(steps).toEqual(['migrate.prepare', 'migrate.stop', 'migrate.transfer', 'migrate.move', 'migrate.start', 'migrate.redirect']);
    expectOneActivation(story);
  });

  test('answers every call that comes while it goes on', async () => {
    const actor = actorRef('counter', 'a');
    const { result, story } = await play(async ({ client, story: sofar }) => {
      await client.invoke(actor, 'add', null);
      const calls = Array.from({ length: 20 }, () => client.invoke(actor, 'add', null));
      const moved = client.migrate(actor, otherThan(holderOf(sofar, actor)));
      const late = Array.from({ length: 20 }, () => client.invoke(actor, 'add', null));
      return { moved: await moved, answers: await Promise.all([...calls, ...late]) };
    });
    expect(result.moved.kind).toBe('ok');
    expect(result.answers.map((answer) => (answer.kind === 'ok' ? answer.result : answer)).sort((a, b) => Number(a) - Number(b))).toEqual(
      Array.from({ length: 40 }, (_, i) => i + 2),
    );
    expectOneActivation(story);
  });

  test('is refused within the cool-down of the last one, to the holder itself, and of what is not active', async () => {
    const actor = actorRef('counter', 'a');
    const { result } = await play(async ({ client, sleep, story }) => {
      const nowhere = await client.migrate(actor, 'n1');
      await client.invoke(actor, 'add', null);
      const from = holderOf(story, actor);
      const to = otherThan(from);
      const self = await client.migrate(actor, from);
      const first = await client.migrate(actor, to);
      const back = await client.migrate(actor, from);
      await sleep(11.3);
      return { nowhere, self, first, back, later: await client.migrate(actor, from), holder: holderOf(story, actor) === from };
    });
    expect(result).toMatchObject({
      nowhere: { kind: 'error', error: { code: 'not-found' } },
      self: { kind: 'error', error: { code: 'invalid-argument' } },
      first: { kind: 'ok' },
      back: { kind: 'error', error: { code: 'overloaded' } },
      later: { kind: 'ok' },
      holder: true,
    });
  });
});

describe('an order that nobody answers', () => {
  /** Moves an actor while what `drops` names is lost, and looks at it again. */
  const ordered = (drops: (event: PacketEvent, seen: Pick<Act, 'story'> & Record<'asker' | 'from', string>) => boolean) => {
    const actor = actorRef('counter', 'a');
    return play(async ({ client, judges, platform, sleep, story }) => {
      await client.invoke(actor, 'add', null);
      const from = holderOf(story, actor);
      const to = otherThan(from);
      const seen = { asker: platform.node, story, from };
      let isLossy = true;
      judges.packet = (event) => (isLossy && event.phase === 'send' && drops(event, seen) ? { kind: 'drop' } : undefined);
      const moved = await client.migrate(actor, to);
      isLossy = false;
      await sleep(1);
      return { moved, to, holder: holderOf(story, actor), answer: await client.invoke(actor, 'add', null) };
    });
  };
  const isMoved = (story: readonly Told[]): boolean => story.some(({ body }) => body.type === 'migrate.redirect');

  test('is given again, and finds the actor where it is to be', async () => {
    let lost = 0;
    const { result, story } = await ordered((event, { asker, story: sofar, from }) => {
      const isAnswer = event.from === from && event.to === asker && isMoved(sofar);
      lost += isAnswer ? 1 : 0;
      return isAnswer && lost === 1;
    });
    expect(lost).toBe(1);
    expect(result.moved).toEqual({ kind: 'ok', result: null });
    expect(result.holder).toBe(result.to);
    expect(result.answer).toEqual({ kind: 'ok', result: 2 });
    expect(told(story, 'migrate.move').length).toBe(1);
    expectOneActivation(story);
  });

  test('is given to another node when the first one never gets it', async () => {
    const { result, story } = await ordered(({ from, to }, { asker, from: holder }) => from === asker && to === holder);
    expect(result.moved).toEqual({ kind: 'ok', result: null });
    expect(told(story, 'migrate.move').length).toBe(1);
  });

  test('is of unknown outcome in the end', async () => {
    const { result } = await ordered(({ to }, { asker, story }) => to === asker && isMoved(story));
    expect(result.moved).toMatchObject({ kind: 'unknown', error: { code: 'timeout' } });
    expect(result.holder).toBe(result.to);
  });
});

test('orders of wrong form are refused, with the field', () => {
  expect(() => decodeOrder({ operation: 'reboot' })).toThrow(/operation must be migrate/);
  expect(() => decodeOrder({ operation: 'migrate', actor: 'a', to: 'n1' })).toThrow(/namespace:id/);
  expect(() => decodeOrder({ operation: 'migrate', actor: 'a:b', to: 'n 1' })).toThrow(/node id/);
  expect(() => decodeOrder(null)).toThrow(/operation/);
});

/** Runs the steps with one that fails, and answers with what was done. */
async function stepsDone(failing: AbortedStep | undefined): Promise<readonly string[]> {
  const done: string[] = [];
  const step = (name: AbortedStep) => () => {
    if (name === failing) return Promise.reject(new KelpieError('timeout', 'planned'));
    done.push(name);
    return Promise.resolve();
  };
  const steps: MigrationSteps = {
    prepare: step('prepare'),
    stop: step('stop'),
    transfer: step('transfer'),
    move: step('move'),
    start: () => Promise.resolve(void done.push('start')),
    redirect: () => void done.push('redirect'),
    abort: (at, { code }) => void done.push(`abort ${at} ${code}`),
  };
  await migrate(steps).catch((error: unknown) => void done.push(`thrown ${KelpieError.from(error).code}`));
  return done;
}

test('every failure before the move aborts, and nothing goes on after it', async () => {
  expect(await stepsDone(undefined)).toEqual(['prepare', 'stop', 'transfer', 'move', 'start', 'redirect']);
  expect(await stepsDone('prepare')).toEqual(['abort prepare timeout', 'thrown timeout']);
  expect(await stepsDone('stop')).toEqual(['prepare', 'abort stop timeout', 'thrown timeout']);
  expect(await stepsDone('transfer')).toEqual(['prepare', 'stop', 'abort transfer timeout', 'thrown timeout']);
  expect(await stepsDone('move')).toEqual(['prepare', 'stop', 'transfer', 'abort move timeout', 'thrown timeout']);
});

/** Faults of one migration each; the actor must be served again afterwards, by one node, with nothing lost. */
type Damage = (act: Act, at: { readonly from: string; readonly to: string }) => void;

/** Migrates under damage and calls before, during and after. Answers with the last count. */
async function sufferOnce(act: Act, actor: ActorRef, damage: Damage): Promise<{ readonly acknowledged: number; readonly last: number }> {
  const { client, story, sleep, judges } = act;
  let acknowledged = 0;
  const add = async (): Promise<void> => {
    if ((await client.invoke(actor, 'add', null)).kind === 'ok') acknowledged += 1;
  };
  await add();
  const from = holderOf(story, actor);
  damage(act, { from, to: otherThan(from) });
  await Promise.all([client.migrate(actor, otherThan(from), { deadlineMicros: 10 * SECOND }), add(), add()]);
  await sleep(1);
  delete judges.packet;
  delete judges.database;
  delete judges.step;
  await add();
  const got = await client.invoke(actor, 'get', null);
  return { acknowledged, last: got.kind === 'ok' ? Number(got.result) : -1 };
}

const expectServed = ({ acknowledged, last }: { readonly acknowledged: number; readonly last: number }): void => {
  expect(acknowledged).toBe(4);
  expect(last).toBe(4);
};

describe('a node that dies in a migration', () => {
  test.each(['source', 'target'] as const)('the %s, at each of its steps', async (role) => {
    const tries = 40;
    const { result, story } = await sweep(role, tries, (k) => ({ judges, story: sofar }, { from, to }) => {
      const victim = role === 'source' ? from : to;
      const begun = sofar.length;
      let left = k;
      let struck = false;
      judges.step = ({ node }) => {
        if (node !== victim || struck || sofar.length === begun || left-- > 0) return undefined;
        struck = true;
        return { kind: 'crash' };
      };
    });
    for (const outcome of result) expectServed(outcome);
    expectOneActivation(story);
    // The sweep went through all of a migration: some were aborted or cut off, some had moved.
    expect(told(story, 'migrate.prepare').length).toBeGreaterThan(told(story, 'migrate.move').length);
    expect(told(story, 'migrate.move').length).toBeGreaterThan(0);
    expect(told(story, 'migrate.move').length).toBeLessThan(tries);
  });
});

/** Every try of a sweep in one run, each with an actor of its own. */
const sweep = (label: string, tries: number, damage: (k: number) => Damage, parts: KelpieParts = correctParts) =>
  play(
    async (act) => {
      const results = [];
      for (let k = 0; k < tries; k++) results.push(await sufferOnce(act, actorRef('counter', `${label}-${k}`), damage(k)));
      return results;
    },
    parts,
    1,
    3_000,
  );

const linked = ({ from, to }: PacketEvent, a: string, b: string): boolean => (from === a && to === b) || (from === b && to === a);

describe('a network that fails in a migration', () => {
  test('any one message between the two is lost', async () => {
    const { result, story } = await sweep('lost', 16, (k) => ({ judges }, { from, to }) => {
      let left = k;
      judges.packet = (event) => (event.phase === 'send' && linked(event, from, to) && left-- === 0 ? { kind: 'drop' } : undefined);
    });
    for (const outcome of result) expectServed(outcome);
    expectOneActivation(story);
    expect(new Set(told(story, 'migrate.abort').map(({ step }) => step))).toEqual(new Set(['prepare', 'transfer']));
  });

  test('they are cut off from each other from any message on', async () => {
    const { result, story } = await sweep('cut', 12, (k) => ({ judges }, { from, to }) => {
      let left = k;
      judges.packet = (event) => (event.phase === 'send' && linked(event, from, to) && left-- <= 0 ? { kind: 'drop' } : undefined);
    });
    for (const outcome of result) expectServed(outcome);
    expectOneActivation(story);
    expect(told(story, 'migrate.abort').length).toBeGreaterThan(2);
  });
});

describe('an actor that is moved back', () => {
  test('comes up at its first source, which has not heard yet that it has moved it away', async () => {
    const actor = actorRef('counter', 'back');
    const { result, story } = await play(async ({ client, judges, sleep, story: sofar }) => {
      await client.invoke(actor, 'add', null);
      // The client asks the node that it has asked before, so that one is to be the target.
      const to = holderOf(sofar, actor);
      const from = otherThan(to);
      await client.migrate(actor, from);
      // Past the cool-down, and not close before leases are renewed: that tells the source too.
      await sleep(11.3);
      const begun = sofar.length;
      let lost = false;
      judges.packet = (event) => {
        const isOrder =
          told(sofar.slice(begun), 'migrate.move').length > 0 && event.phase === 'send' && event.from === from && event.to === to;
        if (lost || !isOrder) return undefined;
        lost = true;
        return { kind: 'drop' };
      };
      const first = client.migrate(actor, to);
      while (!lost) await sleep(0.001);
      // Nobody has asked the target to start the actor. It claims it for a call, and is told to move it back.
      await client.invoke(actor, 'add', null);
      const back = client.migrate(actor, from);
      while (told(sofar.slice(begun), 'migrate.start').length === 0) await sleep(0.001);
      const heard = sofar.slice(begun).some(({ node, body }) => node === from && ['migrate.redirect', 'activate.drop'].includes(body.type));
      await sleep(5);
      const up = told(sofar.slice(begun), 'activate.done').map(({ node, token }) => [node, token]);
      return { from, to, heard, moved: [(await first).kind, (await back).kind], up, answer: await client.invoke(actor, 'add', null) };
    });
    const { from, to, ...seen } = result;
    expect(seen).toEqual({
      heard: false,
      moved: ['ok', 'ok'],
      up: [
        [to, 4],
        [from, 5],
      ],
      answer: { kind: 'ok', result: 3 },
    });
    expectOneActivation(story);
  });
});

describe('a database that fails in a migration', () => {
  const duringMove =
    (answer: (event: DatabaseEvent, nth: number) => ReturnType<NonNullable<Stage['judges']['database']>>): Damage =>
    ({ judges, story }, { from }) => {
      const begun = story.length;
      let nth = 0;
      judges.database = (event) => {
        if (event.node !== from || !story.slice(begun).some(({ body }) => body.type === 'migrate.transfer')) return undefined;
        nth += 1;
        return answer(event, nth);
      };
    };

  test.each([true, false])('the answer to the move is lost (applied: %s)', async (applied) => {
    const { result, story } = await sweep(`unknown-${applied}`, 3, () =>
      duringMove(({ operation }, nth) => (operation === 'commit' && nth <= 6 ? { kind: 'fail', code: 1021, applied } : undefined)),
    );
    for (const outcome of result) expectServed(outcome);
    expectOneActivation(story);
    expect(told(story, 'migrate.move').length).toBe(3);
  });

  test.each([true, false])('it does not answer any more once the move was sent (applied: %s)', async (applied) => {
    const { result, story } = await sweep(`away-${applied}`, 3, () =>
      duringMove(({ operation }) =>
        operation === 'commit'
          ? { kind: 'fail', code: 1031, applied }
          : operation === 'read'
            ? { kind: 'fail', code: 1031, applied: false }
            : undefined,
      ),
    );
    for (const { acknowledged, last } of result) expect(last).toBeGreaterThanOrEqual(acknowledged);
    expectOneActivation(story);
    expect(told(story, 'migrate.abort').map(({ step }) => step)).toContain('move');
  });

  test('it never answers again: whether the actor was moved stays unknown', async () => {
    const actor = actorRef('counter', 'a');
    const { result } = await play(async ({ client, judges, story }) => {
      await client.invoke(actor, 'add', null);
      judges.database = () => (told(story, 'migrate.transfer').length > 0 ? { kind: 'fail', code: 1031, applied: false } : undefined);
      return client.migrate(actor, otherThan(holderOf(story, actor)));
    });
    expect(result).toMatchObject({ kind: 'unknown', error: { unsure: true } });
  });
});

describe('known bugs', () => {
  test('a failed migration that is not aborted leaves the actor nowhere', async () => {
    const noAbort: KelpieParts = {
      ...correctParts,
      migrate: async (steps) => {
        for (const step of ['prepare', 'stop', 'transfer', 'move'] as const) await steps[step]();
        await steps.start();
        steps.redirect();
      },
    };
    const cut = (parts: KelpieParts) =>
      sweep(
        'cut',
        8,
        (k) =>
          ({ judges }, { from, to }) => {
            let left = k;
            judges.packet = (event) => (event.phase === 'send' && linked(event, from, to) && left-- <= 0 ? { kind: 'drop' } : undefined);
          },
        parts,
      );
    const served = (await cut(noAbort)).result.map(({ acknowledged }) => acknowledged);
    expect(Math.min(...served)).toBeLessThan(4);
  });

  test('a target that is started before the move serves beside the source', async () => {
    const early: KelpieParts = {
      ...correctParts,
      migrate: async (steps) => {
        let step: AbortedStep = 'prepare';
        try {
          for (step of ['prepare', 'stop', 'transfer'] as const) await steps[step]();
          await steps.start();
          step = 'move';
          await steps.move();
        } catch (error) {
          steps.abort(step, KelpieError.from(error));
          throw error;
        }
        steps.redirect();
      },
      // The target takes the order to start for the claim itself.
      claim: async (runtime, request) => {
        if (request.startMicros === undefined) return correctParts.claim(runtime, request);
        const untilMicros = runtime.parts.leaseTerm.until(request.startMicros, runtime.config);
        const token = 2;
        runtime.teller.tell({
          type: 'claim.commit',
          actor: request.actor.key,
          claim: request.claim,
          token,
          generation: token,
          previous: null,
          version: -1,
          count: 1,
          capacity: 1,
        });
        return { kind: 'held', held: { ...request, token, placement: new Uint8Array(0), untilMicros } };
      },
    };
    const { story } = await sweep(
      'early',
      2,
      () =>
        ({ judges, story: sofar }, { from }) => {
          const begun = sofar.length;
          judges.database = (event) =>
            event.node === from && event.operation === 'commit' && sofar.slice(begun).some(({ body }) => body.type === 'migrate.start')
              ? { kind: 'fail', code: 1031, applied: false }
              : undefined;
        },
      early,
    );
    expect(() => expectOneActivation(story)).toThrow();
  });
});
