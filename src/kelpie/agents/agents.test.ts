import { describe, expect, test } from 'vitest';
import { rehearse, type Stage, type Told } from '../../../runner/fixtures/simulated-cluster.js';
import { type Micros, type Platform, transact } from '../../ports.js';
import type { KelpieEvent } from '../../story.js';
import { KelpieClient } from '../client.js';
import { KelpieNode } from '../node.js';
import { correctParts, type KelpieParts } from '../parts.js';
import { AgentNode } from './agent-node.js';
import type { AgentOptions } from './agent-options.js';
import { type AgentResult, AgentService } from './agent-service.js';
import { agentRef } from './agent-state.js';

const SECOND: Micros = 1_000_000;

interface AgentStage extends Stage {
  readonly service: AgentService;
  readonly client: KelpieClient;
  sleep(micros: Micros): Promise<void>;
  /** Waits until the story has told this, at most 300 simulated seconds. */
  until(what: (event: Told) => boolean): Promise<Told>;
}

interface AgentLab<T> {
  readonly nodes?: number;
  readonly seed?: number;
  readonly micros?: Micros;
  readonly parts?: Partial<KelpieParts>;
  readonly options?: Partial<AgentOptions>;
  readonly script: (stage: AgentStage) => Promise<T>;
}

/** A cluster with agents, and a script that uses them. */
function agentLab<T>({ nodes = 3, seed = 1, micros = 400 * SECOND, parts = {}, options = {}, script }: AgentLab<T>) {
  return rehearse({
    nodes,
    seed,
    micros,
    serve: (platform) => {
      const assembly = { ...correctParts, ...parts };
      const agents = new AgentNode(platform, assembly, {
        sweepMicros: 2 * SECOND,
        takeOverMicros: 20 * SECOND,
        peerMicros: 5 * SECOND,
        ...options,
      });
      const config = {
        leaseMicros: 6 * SECOND,
        leaseRenewMicros: SECOND,
        leaseGraceMicros: 500_000,
        leaseSkewMicros: 300_000,
        forwardMicros: SECOND,
      };
      return new KelpieNode(platform, { config, parts: assembly, actors: agents.actors, services: [agents] }).run();
    },
    script: (stage) => {
      const names = Array.from({ length: nodes }, (_, i) => `n${i + 1}`);
      const client = new KelpieClient(stage.platform, { nodes: names, attemptMicros: 2 * SECOND });
      const { clock } = stage.platform;
      return script({
        ...stage,
        client,
        service: new AgentService(client, clock),
        sleep: (wait) => clock.sleep(wait),
        until: async (what) => {
          for (let i = 0; i < 6_000; i++) {
            const found = stage.story.find(what);
            if (found !== undefined) return found;
            await clock.sleep(50_000);
          }
          throw new Error('what was waited for did not come');
        },
      });
    },
  });
}

const codeOf = (result: AgentResult<unknown>): string => (result.kind === 'ok' ? 'ok' : `${result.kind} ${result.error.code}`);
const valueOf = <T>(result: AgentResult<T>): T => {
  if (result.kind === 'ok') return result.result;
  throw result.error;
};
const told = <Type extends KelpieEvent['type']>(story: readonly Told[], type: Type) =>
  story.map(({ body }) => body).filter((body): body is Extract<KelpieEvent, { readonly type: Type }> => body.type === type);
const isA =
  (type: KelpieEvent['type']) =>
  (event: Told): boolean =>
    event.body.type === type;

describe('an agent', () => {
  test('is created, read, changed, listed and deleted, and nothing of it comes back', async () => {
    const { result } = await agentLab({
      script: async ({ service }) => {
        const spec = { name: 'Ann', system: 'Be kind.', blocks: [{ label: 'human', text: 'Bob' }] };
        const created = valueOf(await service.create('a', spec));
        const twice = codeOf(await service.create('a', spec));
        const updated = valueOf(
          await service.update('a', {
            name: 'Anna',
            blocks: [
              { label: 'human', text: null },
              { label: 'x', text: 'y' },
            ],
          }),
        );
        const seen = valueOf(await service.get('a'));
        valueOf(await service.create('b', { name: 'B' }));
        const both = valueOf(await service.list());
        const page = valueOf(await service.list({ limit: 1 }));
        valueOf(await service.delete('a'));
        const gone = [codeOf(await service.get('a')), codeOf(await service.update('a', {})), codeOf(await service.delete('a'))];
        const left = valueOf(await service.list());
        const again = valueOf(await service.create('a', { name: 'new' }));
        const fresh = valueOf(await service.get('a'));
        return { created, twice, updated, seen, both, page, gone, left, fresh, sameLife: again.incarnation === created.incarnation };
      },
    });
    const { incarnation } = result.created;
    expect(result).toMatchObject({
      created: { id: 'a', version: 1 },
      twice: 'error already-exists',
      updated: { id: 'a', incarnation, version: 2 },
      seen: {
        id: 'a',
        incarnation,
        version: 2,
        name: 'Anna',
        system: 'Be kind.',
        tools: [],
        blocks: [{ label: 'x', text: 'y' }],
        pending: 0,
      },
      both: { agents: ['a', 'b'], after: null },
      page: { agents: ['a'], after: 'a' },
      gone: ['error not-found', 'error not-found', 'error not-found'],
      left: { agents: ['b'] },
      fresh: { name: 'new', system: '', blocks: [], version: 1 },
      sameLife: false,
    });
  });

  test('answers a message with the model and its tools', async () => {
    const { result, story } = await agentLab({
      script: async ({ service }) => {
        valueOf(await service.create('a', { name: 'A', tools: [{ name: 'add', repeatable: true }, { name: 'count' }] }));
        const plain = valueOf(await service.sendMessage('a', 'hello'));
        const tools = valueOf(await service.sendMessage('a', 'use add {"a":2,"b":3}\nuse count {"name":"k"}'));
        const memory = valueOf(
          await service.sendMessage('a', 'use memory_set {"label":"notes","text":"tea"}\nuse working_count {"key":"n","by":2}'),
        );
        const http = valueOf(await service.sendMessage('a', 'use http_put {"key":"k","value":1}\nuse http_get {"key":"k"}'));
        return { plain, tools, memory, http, blocks: valueOf(await service.get('a')).blocks };
      },
    });
    expect(result.plain).toMatchObject({ status: 'done', answer: 'You said: hello', iterations: 1 });
    expect(result.tools).toMatchObject({ status: 'done', answer: 'The last of 2 results: 1', iterations: 3 });
    expect(result.memory).toMatchObject({ status: 'done', answer: 'The last of 2 results: 2' });
    expect(result.http).toMatchObject({ status: 'done', answer: 'The last of 2 results: {"key":"k","value":1}' });
    expect(result.blocks).toEqual([{ label: 'notes', text: 'tea' }]);
    expect(told(story, 'message.end').map(({ status }) => status)).toEqual(['done', 'done', 'done', 'done']);
  });
});

describe('an idempotency key', () => {
  test('gives the first answer again, over restarts of every node and over the end of the agent', async () => {
    const { result, story } = await agentLab({
      nodes: 2,
      script: async ({ service, world, sleep }) => {
        const spec = { name: 'A' };
        const first = valueOf(await service.create('a', spec, { key: 'k1' }));
        for (const node of world.nodes) world.kill(node, 'test');
        await sleep(SECOND);
        for (const node of world.nodes) world.restart(node);
        await sleep(10 * SECOND);
        const again = valueOf(await service.create('a', spec, { key: 'k1' }));
        const other = codeOf(await service.create('a', { name: 'other' }, { key: 'k1' }));
        const asUpdate = codeOf(await service.update('a', spec, { key: 'k1' }));
        const failed = codeOf(await service.create('a', spec, { key: 'k2' }));
        const deleted = valueOf(await service.delete('a', { key: 'k3' }));
        const deletedAgain = valueOf(await service.delete('a', { key: 'k3' }));
        const late = valueOf(await service.create('a', spec, { key: 'k1' }));
        const gone = codeOf(await service.get('a'));
        return { first, again, other, asUpdate, failed, deleted, deletedAgain, late, gone, list: valueOf(await service.list()).agents };
      },
    });
    const { first } = result;
    expect(result).toMatchObject({ again: first, late: first, deleted: first, deletedAgain: first, gone: 'error not-found', list: [] });
    expect([result.other, result.asUpdate]).toEqual(['error idempotency-mismatch', 'error idempotency-mismatch']);
    expect(result.failed).toBe('error already-exists');
    expect(told(story, 'agent.key').map(({ how }) => how)).toEqual(expect.arrayContaining(['miss', 'hit', 'mismatch']));
  });

  test('of a message says that it is under way, and then gives its outcome; it does not send it twice', async () => {
    const { result, story } = await agentLab({
      script: async ({ service, until }) => {
        valueOf(await service.create('a', { name: 'A' }));
        const sent = service.sendMessage('a', 'hello', { key: 'm1' });
        await until(isA('message.accept'));
        const underWay = codeOf(await service.sendMessage('a', 'hello', { key: 'm1' }));
        const other = codeOf(await service.sendMessage('a', 'bye', { key: 'm1' }));
        return { first: await sent, underWay, other, again: await service.sendMessage('a', 'hello', { key: 'm1' }) };
      },
    });
    expect(result.underWay).toBe('error in-progress');
    expect(result.other).toBe('error idempotency-mismatch');
    expect(result.again).toEqual(result.first);
    expect(told(story, 'message.end')).toHaveLength(1);
  });

  test('is kept while its epoch and the next last, and dropped after', async () => {
    const { result } = await agentLab({
      options: { keptMicros: 5 * SECOND },
      script: async ({ service, sleep }) => {
        valueOf(await service.create('a', { name: 'A' }, { key: 'old' }));
        await sleep(4 * SECOND);
        const kept = valueOf(await service.create('a', { name: 'A' }, { key: 'old' })).version;
        for (let i = 0; i < 3; i++) {
          await sleep(6 * SECOND);
          valueOf(await service.update('a', { name: `A${i}` }, { key: `u${i}` }));
        }
        return { kept, forgotten: codeOf(await service.create('a', { name: 'A' }, { key: 'old' })) };
      },
    });
    expect(result).toEqual({ kept: 1, forgotten: 'error already-exists' });
  });
});

describe('the loop', () => {
  const spec = { name: 'A', tools: [{ name: 'echo', repeatable: true }, { name: 'count' }] };

  test('ends a message that asks for more than it may, and goes on with the next', async () => {
    const { result } = await agentLab({
      script: async ({ service }) => {
        valueOf(await service.create('a', spec));
        const script = Array.from({ length: 6 }, (_, i) => `use echo {"i":${i}}`).join('\n');
        const endless = service.sendMessage('a', script);
        const next = service.sendMessage('a', 'hello');
        return { endless: valueOf(await endless), next: valueOf(await next) };
      },
    });
    expect(result.endless).toMatchObject({ status: 'failed', error: { code: 'iterations' }, iterations: 5 });
    expect(result.next).toMatchObject({ status: 'done', answer: 'You said: hello' });
  });

  test('tries again what may be tried again, and fails the message cleanly by what may not', async () => {
    const fail = (code: 'timeout' | 'truncated', acted: boolean) => ({ kind: 'fail', code, acted }) as const;
    const { result, story } = await agentLab({
      script: async ({ service, judges }) => {
        valueOf(await service.create('a', spec));
        const answers: Record<string, string> = {};
        const with_ = async (name: string, target: string, text: string, verdicts: readonly unknown[]): Promise<void> => {
          const left = [...verdicts];
          judges.service = (event) => (event.service === target ? (left.shift() as never) : undefined);
          const { status, answer, error } = valueOf(await service.sendMessage('a', text));
          answers[name] = `${status} ${answer ?? error?.code}`;
        };
        const limited = { kind: 'status', status: 429, headers: { 'retry-after': '3' }, acted: false };
        await with_('limited', 'model', 'x', [limited, limited]);
        await with_(
          'broken',
          'model',
          'x',
          Array.from({ length: 4 }, () => ({ kind: 'status', status: 500, headers: {}, acted: false })),
        );
        await with_('garbled', 'model', 'x', [{ kind: 'garble' }]);
        await with_('cut', 'model', 'x', [fail('truncated', true)]);
        await with_('inflated', 'model', 'x', [{ kind: 'inflate', bytes: 100_000 }]);
        await with_('lost answer, repeatable', 'tools', 'use echo {"e":1}', [fail('timeout', true)]);
        await with_('lost answer, once', 'tools', 'use count {"name":"c"}', [fail('timeout', true)]);
        await with_('refused, once', 'tools', 'use count {"name":"d"}', [{ kind: 'fail', code: 'refused', acted: false }]);
        return answers;
      },
    });
    expect(result).toEqual({
      limited: 'done You said: x',
      broken: 'failed model-status-500',
      garbled: 'failed model-malformed',
      cut: 'failed model-truncated',
      inflated: 'failed model-too-large',
      'lost answer, repeatable': 'done The last of 1 results: {"e":1}',
      'lost answer, once': 'failed tools-timeout',
      'refused, once': 'done The last of 1 results: 1',
    });
    const limits = story.filter(({ body }) => body.type === 'peer.answer' && body.outcome === 'status-429').map(({ at }) => at);
    expect((limits[1] ?? 0) - (limits[0] ?? 0)).toBeGreaterThanOrEqual(3 * SECOND);
  });

  test('pauses for as long as it was told to, and asks other agents by the rules of calls', async () => {
    const { result } = await agentLab({
      script: async ({ service, platform }) => {
        valueOf(await service.create('a', spec));
        valueOf(await service.create('b', spec));
        const begun = platform.clock.monotonicMicros();
        const paused = valueOf(await service.sendMessage('a', 'use pause_heartbeats {"seconds":20}'));
        const pausedMicros = platform.clock.monotonicMicros() - begun;
        const asked = valueOf(await service.sendMessage('a', 'use ask_agent {"agent":"b","text":"hi"}'));
        const cycle = valueOf(
          await service.sendMessage('a', 'use ask_agent {"agent":"b","text":"use ask_agent {\\"agent\\":\\"a\\",\\"text\\":\\"x\\"}"}'),
        );
        const nobody = valueOf(await service.sendMessage('a', 'use ask_agent {"agent":"none","text":"hi"}'));
        return { paused, pausedMicros, asked, cycle, nobody };
      },
    });
    expect(result.paused).toMatchObject({ status: 'done', answer: 'The last of 1 results: the pause is over' });
    expect(result.pausedMicros).toBeGreaterThanOrEqual(20 * SECOND);
    expect(result.asked.answer).toBe('The last of 1 results: You said: hi');
    expect(result.cycle.answer).toContain('error: reentrant');
    expect(result.nobody.answer).toContain('error: not-found');
  });
});

describe('a crash', () => {
  const spec = { name: 'A', tools: [{ name: 'echo', repeatable: true }, { name: 'count' }] };
  const driverOf = (event: Told): string => event.node;

  test('of the driver in the middle of a step is gone on from by its journal', async () => {
    const { result, story } = await agentLab({
      script: async ({ service, world, until, sleep }) => {
        valueOf(await service.create('a', spec));
        const sent = service.sendMessage('a', 'use echo {"e":1}');
        const asking = await until((event) => event.body.type === 'peer.call' && event.body.service === 'model');
        world.kill(driverOf(asking), 'test');
        await sleep(500_000);
        world.restart(driverOf(asking));
        return valueOf(await sent);
      },
    });
    expect(result).toMatchObject({ status: 'done', answer: 'The last of 1 results: {"e":1}' });
    expect(told(story, 'wal.replay').length).toBeGreaterThan(0);
    const opened = told(story, 'wal.append').map(({ key }) => key);
    const ended = told(story, 'wal.end').map(({ key }) => key);
    expect([...new Set(opened)].filter((key) => !ended.includes(key))).toEqual([]);
  });

  test('that takes the disk with it costs time and no message', async () => {
    const { result, story } = await agentLab({
      script: async ({ service, world, until, sleep }) => {
        valueOf(await service.create('a', spec));
        const sent = service.sendMessage('a', 'hello');
        const asking = await until((event) => event.body.type === 'peer.call');
        world.kill(driverOf(asking), 'test');
        world.disk.wipe(driverOf(asking));
        await sleep(500_000);
        world.restart(driverOf(asking));
        return valueOf(await sent);
      },
    });
    expect(result).toMatchObject({ status: 'done', answer: 'You said: hello' });
    expect(told(story, 'wal.replay')).toEqual([]);
  });

  test('of a driver that never comes back lets another node take its step over', async () => {
    const { result, story } = await agentLab({
      script: async ({ service, world, until }) => {
        valueOf(await service.create('a', spec));
        const sent = service.sendMessage('a', 'hello');
        const asking = await until((event) => event.body.type === 'peer.call');
        world.kill(driverOf(asking), 'test');
        return valueOf(await sent);
      },
    });
    expect(result).toMatchObject({ status: 'done' });
    expect(told(story, 'drive.takeover').length).toBeGreaterThan(0);
  });

  test('in a tool that may not be repeated fails the message and does not do it twice', async () => {
    const { result, story } = await agentLab({
      script: async ({ service, world, until, sleep }) => {
        valueOf(await service.create('a', spec));
        const sent = service.sendMessage('a', 'use count {"name":"c"}');
        const asking = await until((event) => event.body.type === 'peer.call' && event.body.service === 'tools');
        await sleep(100_000);
        world.kill(driverOf(asking), 'test');
        await sleep(500_000);
        world.restart(driverOf(asking));
        const first = valueOf(await sent);
        return { first, next: valueOf(await service.sendMessage('a', 'use count {"name":"c"}')) };
      },
    });
    const calls = told(story, 'peer.call').filter(({ service }) => service === 'tools');
    if (result.first.status === 'failed') expect(result.first.error?.code).toBe('tools-interrupted');
    expect(result.next.answer).toBe('The last of 1 results: 2');
    expect(calls).toHaveLength(2);
  });

  test('with damage to what its disk has leaves the node serving', async () => {
    const { result, story } = await agentLab({
      nodes: 1,
      script: async ({ service, world, sleep, platform }) => {
        valueOf(await service.create('a', spec));
        valueOf(await service.sendMessage('a', 'first'));
        valueOf(await service.sendMessage('a', 'second'));
        world.kill('n1', 'test');
        for (let i = 0; i < 20; i++) world.disk.rot('n1', 100, platform.random);
        await sleep(SECOND);
        world.restart('n1');
        return valueOf(await service.sendMessage('a', 'third'));
      },
    });
    expect(result).toMatchObject({ status: 'done', answer: 'You said: third' });
    expect(told(story, 'journal.unusable').map(({ code }) => code)).toContain('corrupted');
  });
});

describe('a node that is told to stop', () => {
  const spec = { name: 'A', tools: [{ name: 'echo', repeatable: true }, { name: 'count' }] };
  const asks = (service: string) => (event: Told) => event.body.type === 'peer.call' && event.body.service === service;

  test('ends the step that it is at, and the next one is another node’s', async () => {
    const { result, story } = await agentLab({
      script: async ({ service, world, until }) => {
        valueOf(await service.create('a', spec));
        const sent = service.sendMessage('a', 'use count {"name":"c"}');
        const { node } = await until(asks('model'));
        world.stop(node);
        return { stopped: node, end: valueOf(await sent) };
      },
    });
    expect(result.end).toMatchObject({ status: 'done', answer: 'The last of 1 results: 1' });
    const steps = told(story, 'message.step');
    expect(steps.map(({ step, how }) => `${step} ${how}`)).toEqual(['1 new', '2 new', '3 new']);
    expect(steps.map(({ driver }) => driver === result.stopped)).toEqual([true, false, false]);
    expect(told(story, 'drive.takeover')).toEqual([]);
    expect(story.some(({ node, body }) => body.type === 'node.leave' && node === result.stopped)).toBe(true);
  });

  test('gives back what does not end in time, and another node goes on with it at once', async () => {
    const { result: stoppedAt, story } = await agentLab({
      options: { drainMicros: 0 },
      script: async ({ service, world, until }) => {
        valueOf(await service.create('a', spec));
        const sent = service.sendMessage('a', 'hello');
        const { node } = await until(asks('model'));
        const at = world.now();
        world.stop(node);
        expect(valueOf(await sent)).toMatchObject({ status: 'done', answer: 'You said: hello' });
        return at;
      },
    });
    expect(told(story, 'message.release')).toMatchObject([{ step: 1, begun: true }]);
    expect(told(story, 'message.step').map(({ how }) => how)).toEqual(['new', 'resumed']);
    expect(told(story, 'drive.takeover')).toEqual([]);
    const end = story.find(isA('message.end'))?.at ?? Number.NaN;
    // Two looks of the sweep, and the model.
    expect(end - stoppedAt).toBeLessThan(8 * SECOND);
  });

  test('gives back a tool that may not be repeated, which then fails its message and is not done twice', async () => {
    const { result, story } = await agentLab({
      options: { drainMicros: 0 },
      script: async ({ service, world, until }) => {
        valueOf(await service.create('a', spec));
        const sent = service.sendMessage('a', 'use count {"name":"c"}');
        const { node } = await until(asks('tools'));
        world.stop(node);
        return valueOf(await sent);
      },
    });
    expect(result).toMatchObject({ status: 'failed', error: { code: 'tools-interrupted' } });
    expect(told(story, 'peer.call').filter(({ service }) => service === 'tools')).toHaveLength(1);
  });

  test('does not wait for a pause, whose rest another node waits', async () => {
    const { result, story } = await agentLab({
      script: async ({ service, world, until }) => {
        valueOf(await service.create('a', spec));
        const sent = service.sendMessage('a', 'use pause_heartbeats {"seconds":15}');
        const { node, at } = await until(({ body }) => body.type === 'message.step' && body.kind === 'pause');
        world.stop(node);
        const left = await until((event) => event.body.type === 'node.leave' && event.node === node);
        return { end: valueOf(await sent), began: at, left: left.at };
      },
    });
    expect(result.end).toMatchObject({ status: 'done', answer: 'The last of 1 results: the pause is over' });
    expect(result.left - result.began).toBeLessThan(5 * SECOND);
    const pauses = told(story, 'message.step').filter(({ kind }) => kind === 'pause');
    expect(pauses.map(({ how }) => how)).toEqual(['new', 'resumed']);
    const ended = story.find(({ body }) => body.type === 'message.step' && body.kind === 'model' && body.step > 2)?.at ?? 0;
    expect(ended - result.began).toBeGreaterThanOrEqual(15 * SECOND);
    expect(ended - result.began).toBeLessThan(20 * SECOND);
  });
});

/** Names of keys under a prefix. */
async function keysUnder({ database }: Platform, prefix: string): Promise<string[]> {
  const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
  const begin = new TextEncoder().encode(prefix);
  const { items } = await transact(database, (transaction) => transaction.getRange(begin, Uint8Array.of(...begin, 0xff)));
  return items.map(({ key }) => text(key).slice(prefix.length));
}

describe('what is stored', () => {
  test('of a deleted agent is its idempotency keys for their time, and then nothing', async () => {
    const { result, story } = await agentLab({
      options: { keptMicros: 30 * SECOND },
      script: async ({ service, platform, sleep, until }) => {
        const left = (): Promise<string[]> => keysUnder(platform, 'kelpie/actor/agents:a/kv/');
        const create = (key: string) => service.create('a', { name: 'A' }, { key });
        valueOf(await create('one'));
        valueOf(await service.delete('a', { key: 'two' }));
        await sleep(25 * SECOND);
        // Made and deleted anew, so the time begins anew too.
        valueOf(await create('three'));
        valueOf(await service.delete('a', { key: 'four' }));
        await sleep(25 * SECOND);
        const kept = await left();
        const again = valueOf(await create('one')).version;
        await until(isA('agent.forget'));
        await sleep(5 * SECOND);
        const gone = await left();
        // Nobody knows the key any more, so this makes an agent.
        return { kept, again, gone, index: await keysUnder(platform, 'kelpie/agents/'), anew: valueOf(await create('one')).version };
      },
    });
    expect(result.kept.every((key) => key.startsWith('idempotency/'))).toBe(true);
    expect(result.kept.filter((key) => key.startsWith('idempotency/keys/'))).toHaveLength(4);
    expect(result).toMatchObject({ again: 1, gone: [], index: [], anew: 1 });
    expect(told(story, 'agent.forget')).toHaveLength(1);
    const created = story.flatMap(({ body }) => (body.type === 'agent.create' && 'incarnation' in body ? [body.incarnation] : []));
    expect(told(story, 'agent.forget')[0]?.incarnation).toBe(created[1]);
  });

  test('of one agent is its own, and is gone with it', async () => {
    const { result } = await agentLab({
      script: async ({ service, platform }) => {
        const keysOf = (prefix: string): Promise<string[]> => keysUnder(platform, prefix);
        const script = 'use archival_insert {"text":"tea"}\nuse working_set {"key":"k","value":1}\nuse memory_set {"label":"l","text":"t"}';
        for (const agent of ['a', 'b']) {
          valueOf(await service.create(agent, { name: agent }));
          valueOf(await service.sendMessage(agent, script));
        }
        const before = await keysOf('kelpie/actor/agents:a/kv/');
        valueOf(await service.delete('a', { key: 'gone' }));
        const after = await keysOf('kelpie/actor/agents:a/kv/');
        const found = valueOf(await service.sendMessage('b', 'use archival_search {"query":"tea"}'));
        const state = await keysOf('kelpie/actor/agents:a/state');
        return { before, after, found, state, index: await keysOf('kelpie/agents/') };
      },
    });
    expect(result.before).toEqual(expect.arrayContaining(['memory/archival/000000000001', 'memory/core', 'memory/working/k', 'profile']));
    expect(result.after.every((key) => key.startsWith('idempotency/'))).toBe(true);
    expect(result.state).toEqual([]);
    expect(result.found.answer).toBe('The last of 1 results: [{"id":1,"text":"tea"}]');
    expect(result.index).toEqual(['listed/b', 'retired/a']);
  });

  test('is refused when it is over its limits or none', async () => {
    const { result } = await agentLab({
      nodes: 1,
      script: async ({ service, client }) => {
        const codes = [
          codeOf(await service.create('a', { name: 'x'.repeat(257) })),
          codeOf(await service.create('a', { name: 'x', system: 'x'.repeat(16_385) })),
          codeOf(await service.create('a', { name: 'x', tools: [{ name: 'add' }, { name: 'add' }] })),
          codeOf(await service.create('a', { name: 'x', blocks: [{ label: 'l', text: 'x'.repeat(16_385) }] })),
          codeOf(await service.create('a', {} as never)),
          codeOf(await service.create('a', { name: 'x' }, { key: 'no blanks' })),
          codeOf(await service.list({ limit: 1_001 })),
          codeOf(await client.invoke(agentRef('a'), 'steal', {})),
        ];
        return { codes, left: valueOf(await service.list()).agents };
      },
    });
    const [bad, large] = ['error invalid-argument', 'error too-large'];
    expect(result.codes).toEqual([large, large, bad, large, bad, bad, bad, bad]);
    expect(result.left).toEqual([]);
    expect(() => agentRef('x'.repeat(129))).toThrow('at most 128');
  });
});
