import { describe, expect, test } from 'vitest';
import { type ClusterOptions, type Rehearsed, rehearse, type Stage } from '../../runner/fixtures/simulated-cluster.js';
import type { ActorType } from './actor.js';
import { KelpieClient } from './client.js';
import { actorRef } from './ids.js';
import { KelpieNode } from './node.js';
import { correctParts } from './parts.js';

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

const serve: ClusterOptions<unknown>['serve'] = (platform) =>
  new KelpieNode(platform, { parts: correctParts, actors: [counter as ActorType] }).run();

const cluster = <T>(script: (stage: Stage & { readonly client: KelpieClient }) => Promise<T>, nodes = 3): Promise<Rehearsed<T>> =>
  rehearse({
    nodes,
    serve,
    script: (stage) => {
      const names = Array.from({ length: nodes }, (_, i) => `n${i + 1}`);
      return script({ ...stage, client: new KelpieClient(stage.platform, { nodes: names }) });
    },
  });

describe('a cluster', () => {
  test('serves', async () => {
    const { result } = await cluster(async ({ client }) => {
      const actor = actorRef('counter', 'a');
      const results = [];
      for (let i = 0; i < 3; i++) results.push(await client.invoke(actor, 'add', null));
      return results;
    });
    expect(result).toEqual([1, 2, 3].map((n) => ({ kind: 'ok', result: n })));
  });
});
