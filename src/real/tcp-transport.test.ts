import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { transportContract } from '../contract/transport-contract.js';
import { encodeFrame, FrameReader } from '../frame.js';
import { type NodeId, PortError, type StoryEvent, type Tracer } from '../ports.js';
import { RealClock } from './clock.js';
import { RealRandom } from './random.js';
import { openTcpTransport, type PeerAddress, type TcpTransport } from './tcp-transport.js';

const clock = new RealClock();
const random = new RealRandom();

interface Told extends Tracer {
  readonly events: StoryEvent[];
  readonly counters: Map<string, number>;
}

function tracer(): Told {
  const events: StoryEvent[] = [];
  const counters = new Map<string, number>();
  return {
    events,
    counters,
    emit: (event) => events.push(event),
    count: (name, amount = 1) => counters.set(name, (counters.get(name) ?? 0) + amount),
  };
}

const anyPort: PeerAddress = { host: '127.0.0.1', port: 0 };

transportContract('TCP on loopback', {
  make: async (nodes) => {
    const addresses = new Map<NodeId, PeerAddress>();
    const transports = await Promise.all(
      nodes.map((self) =>
        openTcpTransport({ self, listen: anyPort, addressOf: (node) => addresses.get(node), clock, random, tracer: tracer() }),
      ),
    );
    for (const transport of transports) if (transport.address !== undefined) addresses.set(transport.self, transport.address);
    return {
      transports,
      clock,
      run: (body) => body(),
      close: async () => {
        await Promise.all(transports.map((transport) => transport.close()));
      },
    };
  },
});

describe('TCP transport', () => {
  const open: { close(): unknown }[] = [];
  afterEach(async () => {
    await Promise.all(open.splice(0).map((one) => one.close()));
  });

  interface Node {
    readonly transport: TcpTransport;
    readonly told: Told;
    readonly received: { readonly from: NodeId; readonly text: string }[];
  }

  async function node(self: NodeId, peers: ReadonlyMap<NodeId, PeerAddress>, listen: PeerAddress | undefined = anyPort): Promise<Node> {
    const told = tracer();
    const where = listen === undefined ? {} : { listen };
    const transport = await openTcpTransport({ self, ...where, addressOf: (name) => peers.get(name), clock, random, tracer: told });
    open.push(transport);
    const received: { from: NodeId; text: string }[] = [];
    transport.listen((from, bytes) => received.push({ from, text: Buffer.from(bytes).toString() }));
    return { transport, told, received };
  }

  const addressOf = ({ transport }: Node): PeerAddress => transport.address ?? anyPort;

  async function until(what: string, done: () => boolean): Promise<void> {
    for (let waited = 0; !done(); waited += 5) {
      if (waited > 8_000) expect.fail(`waited 8 s in vain: ${what}`);
      await clock.sleep(5_000);
    }
  }

  /** A raw peer that says its hello and collects the payloads it gets. */
  async function raw(
    address: PeerAddress,
    ...frames: readonly Uint8Array[]
  ): Promise<{ readonly socket: Socket; readonly payloads: string[]; closed: boolean }> {
    const socket = connect(address);
    const peer = { socket, payloads: [] as string[], closed: false };
    const reader = new FrameReader(1_000_000);
    socket.on('data', (bytes) => reader.push(bytes, (payload) => peer.payloads.push(Buffer.from(payload).toString())));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      peer.closed = true;
    });
    open.push({ close: () => socket.destroy() });
    for (const frame of frames) socket.write(frame);
    return peer;
  }

  const hello = (name: string): Uint8Array => encodeFrame(Buffer.from(`kelpie/1 ${name}`));
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

  test('a node without an address is answered over its own connection', async () => {
    const server = await node('server', new Map());
    const client = await node('client', new Map([['server', addressOf(server)]]), undefined);
    server.transport.send('client', bytes('too early'));
    client.transport.send('server', bytes('question'));
    await until('the question', () => server.received.length > 0);
    server.transport.send('client', bytes('answer'));
    await until('the answer', () => client.received.length > 0);
    expect(server.received).toEqual([{ from: 'client', text: 'question' }]);
    expect(client.received).toEqual([{ from: 'server', text: 'answer' }]);
    expect(server.told.counters.get('transport.dropped-unknown')).toBe(1);
    await client.transport.close();
    await clock.sleep(50_000);
    server.transport.send('client', bytes('too late'));
    expect(server.told.counters.get('transport.dropped-unknown')).toBe(2);
  });

  test('a connection that breaks is opened again, and later messages arrive', async () => {
    const first = await node('b', new Map());
    const address = addressOf(first);
    const a = await node('a', new Map([['b', address]]));
    a.transport.send('b', bytes('one'));
    await until('the first message', () => first.received.length > 0);
    await first.transport.close();
    await until('the end of the connection is noticed', () => {
      a.transport.send('b', bytes('lost or late'));
      return a.told.events.length > 0;
    });
    const second = await node('b', new Map(), address);
    await until('a message at the new one', () => second.received.length > 0);
    a.transport.send('b', bytes('last'));
    await until('the last message', () => second.received.some(({ text }) => text === 'last'));
  });

  test('messages wait for a peer that starts later', async () => {
    const placeholder = await node('b', new Map());
    const address = addressOf(placeholder);
    await placeholder.transport.close();
    const a = await node('a', new Map([['b', address]]));
    for (const text of ['1', '2', '3']) a.transport.send('b', bytes(text));
    await clock.sleep(100_000);
    const b = await node('b', new Map(), address);
    await until('all three', () => b.received.length >= 3);
    expect(b.received.map(({ text }) => text)).toEqual(['1', '2', '3']);
  });

  test('a full queue drops its oldest messages and counts them', async () => {
    const placeholder = await node('b', new Map());
    const address = addressOf(placeholder);
    await placeholder.transport.close();
    const a = await node('a', new Map([['b', address]]));
    for (let i = 0; i < 10_005; i++) a.transport.send('b', bytes(String(i)));
    expect(a.told.counters.get('transport.dropped-queue-full')).toBe(5);
    const b = await node('b', new Map(), address);
    await until('the rest', () => b.received.length >= 10_000);
    expect([b.received[0]?.text, b.received.at(-1)?.text, b.received.length]).toEqual(['5', '10004', 10_000]);
  });

  test('a queue is bounded in bytes too', async () => {
    const a = await node('a', new Map([['b', { host: '127.0.0.1', port: 1 }]]));
    for (let i = 0; i < 6; i++) a.transport.send('b', new Uint8Array(15_000_000));
    expect(a.told.counters.get('transport.dropped-queue-full')).toBe(2);
  });

  test('a corrupt frame is dropped and counted, and its connection closed; others go on', async () => {
    const b = await node('b', new Map());
    const healthy = await raw(addressOf(b), hello('healthy'));
    const damaged = encodeFrame(bytes('damaged'));
    damaged[damaged.length - 1] = (damaged.at(-1) ?? 0) ^ 1;
    const sick = await raw(addressOf(b), hello('sick'), encodeFrame(bytes('whole')), damaged, encodeFrame(bytes('never')));
    await until('the connection is closed', () => sick.closed);
    healthy.socket.write(encodeFrame(bytes('still here')));
    await until('the healthy one', () => b.received.length >= 2);
    expect(b.received).toEqual([
      { from: 'sick', text: 'whole' },
      { from: 'healthy', text: 'still here' },
    ]);
    expect(b.told.counters.get('transport.corrupt-frames')).toBe(1);
    expect(b.told.events).toMatchObject([{ type: 'transport.connection-ended', why: 'corrupt-frame', peer: 'sick' }]);
    expect(healthy.closed).toBe(false);
  });

  test('a frame that announces more than a message may have is refused before its bytes come', async () => {
    const b = await node('b', new Map());
    const header = new Uint8Array(9);
    new DataView(header.buffer).setUint32(0, 16 * 1024 * 1024 + 1);
    const peer = await raw(addressOf(b), hello('large'), header);
    await until('the connection is closed', () => peer.closed);
    expect(b.told.counters.get('transport.corrupt-frames')).toBe(1);
  });

  test('a first frame that is no hello, or a hello with the node’s own name, ends the connection', async () => {
    const b = await node('b', new Map());
    const peers = [
      await raw(addressOf(b), encodeFrame(bytes('GET / HTTP/1.1'))),
      await raw(addressOf(b), hello('')),
      await raw(addressOf(b), hello('x'.repeat(257))),
      await raw(addressOf(b), hello('b')),
    ];
    await until('all are closed', () => peers.every(({ closed }) => closed));
    expect(b.told.events.map((event) => (event as StoryEvent & { why: string }).why)).toEqual(Array(4).fill('bad-hello'));
  });

  test('a node at the wrong address gets no message', async () => {
    const c = await node('c', new Map());
    const a = await node('a', new Map([['b', addressOf(c)]]));
    a.transport.send('b', bytes('for b only'));
    await until('the mistake is told', () => a.told.events.length > 0);
    expect(a.told.events[0]).toMatchObject({ why: 'bad-hello', peer: 'b' });
    expect(c.received).toEqual([]);
  });

  test('a handler that throws is an uncaught error of the process', async () => {
    const a = await openTcpTransport({ self: 'a', addressOf: () => undefined, clock, random, tracer: tracer() });
    open.push(a);
    a.listen(() => {
      throw new Error('planted');
    });
    const listeners = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    const uncaught = new Promise<unknown>((resolve) => process.once('uncaughtException', resolve));
    a.send('a', bytes('x'));
    expect(String(await uncaught)).toBe('Error: planted');
    for (const listener of listeners) process.on('uncaughtException', listener);
  });

  test('an address that is taken, or none, is an error with a code', async () => {
    const b = await node('b', new Map());
    const again = (listen: PeerAddress) =>
      openTcpTransport({ self: 'c', listen, addressOf: () => undefined, clock, random, tracer: tracer() });
    await expect(again(addressOf(b))).rejects.toMatchObject({ name: 'PortError', code: 'in-use' });
    await expect(again({ host: '192.0.2.1', port: 0 })).rejects.toMatchObject({ code: 'unavailable' });
    await expect(openTcpTransport({ self: '', addressOf: () => undefined, clock, random, tracer: tracer() })).rejects.toBeInstanceOf(
      PortError,
    );
  });

  test('close ends every connection and leaves no handle behind', async () => {
    const handles = (): number => process.getActiveResourcesInfo().filter((name) => /TCP|Timeout/.test(name)).length;
    const before = handles();
    const b = await node('b', new Map());
    const a = await node(
      'a',
      new Map([
        ['b', addressOf(b)],
        ['gone', { host: '127.0.0.1', port: 1 }],
      ]),
    );
    a.transport.send('b', bytes('x'));
    a.transport.send('gone', bytes('x'));
    await until('the message', () => b.received.length > 0);
    await Promise.all([a.transport.close(), b.transport.close(), a.transport.close()]);
    await clock.sleep(50_000);
    expect(handles()).toBeLessThanOrEqual(before);
  });

  test('a peer that takes nothing does not stop the others, and loses only its own messages', async () => {
    const deaf: Server = createServer((socket) => {
      socket.write(hello('deaf'));
      socket.pause();
      socket.on('error', () => undefined);
      open.push({ close: () => socket.destroy() });
    });
    await new Promise<void>((resolve) => {
      deaf.listen(0, '127.0.0.1', resolve);
    });
    open.push({ close: () => deaf.close() });
    const { port } = deaf.address() as { port: number };
    const b = await node('b', new Map());
    const a = await node(
      'a',
      new Map([
        ['b', addressOf(b)],
        ['deaf', { host: '127.0.0.1', port }],
      ]),
    );
    for (let i = 0; i < 12; i++) a.transport.send('deaf', new Uint8Array(10_000_000));
    a.transport.send('b', bytes('through'));
    await until('the other peer', () => b.received.length > 0);
    expect(a.told.counters.get('transport.dropped-queue-full') ?? 0).toBeGreaterThan(0);
  });
});
