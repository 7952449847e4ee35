import { describe, expect, test } from 'vitest';
import { rehearse, type Stage, type Told } from '../../../runner/fixtures/simulated-cluster.js';
import type { Micros } from '../../ports.js';
import type { KelpieEvent } from '../../story.js';
import { KelpieClient } from '../client.js';
import { KelpieNode } from '../node.js';
import { correctParts, type KelpieParts } from '../parts.js';
import { AgentNode, type AgentOptions } from './agent-node.js';
import { type AgentResult, AgentService } from './agent-service.js';

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
