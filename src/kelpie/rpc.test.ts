import { expect, test } from 'vitest';
import type { MessageHandler, NodeId, Platform, StoryEvent } from '../ports.js';
import { randomOf } from '../sim/random.js';
import { Deadlines } from './deadlines.js';
import { Rpc } from './rpc.js';
import { Teller } from './tell.js';

/** Nodes on a wire that brings every message `copies` times, at once. */
function wire(copies: number) {
  const handlers = new Map<NodeId, MessageHandler>();
  const told: StoryEvent[] = [];
  const join = (node: NodeId): Rpc => {
    const platform = {
      node,
      random: randomOf(1).fork(node),
      clock: { monotonicMicros: () => 0, after: () => ({ cancel: () => {} }) },
      tracer: { emit: (event: StoryEvent) => void told.push(event), count: () => {} },
      transport: {
        self: node,
        send: (to: NodeId, bytes: Uint8Array) => {
          for (let i = 0; i < copies; i++) handlers.get(to)?.(node, bytes.slice());
        },
        listen: (handler: MessageHandler) => void handlers.set(node, handler),
        close: () => Promise.resolve(),
      },
    } as unknown as Platform;
    return new Rpc(platform, new Deadlines(platform.clock), new Teller(platform.tracer));
  };
  return { join, told };
}

test('a request that the network brings twice is handled once, and answered once', async () => {
  const { join, told } = wire(3);
  const [asking, serving] = [join('a'), join('b')];
  let handled = 0;
  serving.handle('ask', () => ++handled);
  asking.listen();
  serving.listen();
  expect(await asking.request('b', 'ask', null, 1_000)).toEqual({ kind: 'reply', body: 1 });
  expect(await asking.request('b', 'ask', null, 1_000)).toEqual({ kind: 'reply', body: 2 });
  expect(told.filter((event) => event.type === 'rpc.drop' && (event as { why?: string }).why === 'repeated')).toHaveLength(4);
});
