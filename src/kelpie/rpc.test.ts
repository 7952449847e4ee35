import { expect, test } from 'vitest';
import { type MessageHandler, type NodeId, noChoices, type Platform, type StoryEvent } from '../ports.js';
import { randomOf } from '../sim/random.js';
import { Deadlines } from './deadlines.js';
import { Rpc } from './rpc.js';
import { Teller } from './tell.js';

/** Nodes on a wire that brings every message `copies` times, in the order in which they were sent. */
function wire(copies: number, late: (() => void)[] = []) {
  const handlers = new Map<NodeId, MessageHandler>();
  const told: StoryEvent[] = [];
  const join = (node: NodeId, life = 1): Rpc => {
    const platform = {
      node,
      random: randomOf(life).fork(node),
      clock: { monotonicMicros: () => 0, after: () => ({ cancel: () => {} }) },
      tracer: { emit: (event: StoryEvent) => void told.push(event), count: () => {} },
      transport: {
        self: node,
        send: (to: NodeId, bytes: Uint8Array) => {
          const again = bytes.slice();
          for (let i = 0; i < copies; i++) queueMicrotask(() => handlers.get(to)?.(node, again.slice()));
          late.push(() => handlers.get(to)?.(node, again));
        },
        listen: (handler: MessageHandler) => void handlers.set(node, handler),
        close: () => Promise.resolve(),
      },
      choices: noChoices,
    } as unknown as Platform;
    return new Rpc(platform, new Deadlines(platform.clock), new Teller(platform.tracer));
  };
  const bring = (from: NodeId, to: NodeId, bytes: Uint8Array): void => handlers.get(to)?.(from, bytes);
  return { join, told, bring };
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
  expect(told.filter((event) => event.type === 'rpc.drop' && (event as { why?: string }).why === 'repeated')).not.toHaveLength(0);
});

test('a request that comes again to a later life of its receiver is not handled by it', async () => {
  const late: (() => void)[] = [];
  const { join } = wire(1, late);
  const asking = join('a');
  const serving = join('b');
  let handled = 0;
  serving.handle('ask', () => ++handled);
  asking.listen();
  serving.listen();
  expect(await asking.request('b', 'ask', null, 1_000)).toEqual({ kind: 'reply', body: 1 });
  const reborn = join('b', 2);
  let again = 0;
  reborn.handle('ask', () => ++again);
  reborn.listen();
  for (const bring of late.splice(0)) bring();
  expect([handled, again]).toEqual([1, 0]);
  // What was meant for the life before is over at once; what comes after is served.
  expect(await asking.request('b', 'ask', null, 1_000)).toEqual({ kind: 'timeout' });
  expect(await asking.request('b', 'ask', null, 1_000)).toEqual({ kind: 'reply', body: 1 });
});

test('what is for another node, is no message, or answers nothing is dropped and told', async () => {
  const { join, told, bring } = wire(1);
  const serving = join('b');
  serving.handle('ask', () => null);
  serving.listen();
  const message = (change: object): Uint8Array =>
    new TextEncoder().encode(JSON.stringify({ v: 1, to: 'b', k: 'ask', i: 1, t: 0, n: 1, b: null, ...change }));
  for (const bytes of [
    message({ to: 'c' }),
    message({ v: 2 }),
    message({ n: 'one' }),
    new Uint8Array([0xff, 0x00]),
    message({ k: 'reply' }),
    message({ k: 'nobody handles this', n: 0 }),
  ]) {
    bring('a', 'b', bytes);
  }
  expect(told.map((event) => (event as { why?: string }).why)).toEqual([
    'misdelivered',
    'malformed',
    'malformed',
    'malformed',
    'unexpected',
    'unexpected',
  ]);
});
