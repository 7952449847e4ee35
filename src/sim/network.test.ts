import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { NetworkShape } from '../run.js';
import { NodeClock } from './clock.js';
import { Kernel } from './kernel.js';
import { Network } from './network.js';
import type { Process } from './process.js';
import { randomOf } from './random.js';
import type { Held, PacketEvent, PacketVerdict } from './seams.js';

const SHAPE: NetworkShape = {
  latencyMicrosMin: 100,
  latencyMicrosMax: 500,
  jitterMicros: 200,
  tailOneIn: 0,
  tailMicros: 0,
  bytesPerSecond: 0,
};

function worldOf(
  options: { shape?: Partial<NetworkShape>; seed?: number; judge?: (event: PacketEvent) => PacketVerdict | undefined } = {},
) {
  const kernel = new Kernel({
    random: randomOf(options.seed ?? 1),
    strategy: { kind: 'random' },
    quantumMicros: 1,
    limits: { events: 1_000_000, simMicros: 1_000_000_000_000, queueLength: 1_000_000 },
    onCrash: (_, error) => {
      throw error;
    },
    onKill: () => {},
  });
  const held: Held[] = [];
  const { judge } = options;
  if (judge !== undefined) {
    kernel.judge = {
      active: (seam) => seam === 'packet',
      ask: (event) => (event.seam === 'packet' ? judge(event as PacketEvent) : undefined),
      hold: (what) => void held.push(what),
    };
  }
  const network = new Network(kernel, { ...SHAPE, ...options.shape });
  const processes = new Map<string, Process>();
  const boot = (node: string, life = 1): Process => {
    const process = kernel.newProcess(node, life, new NodeClock(0));
    processes.set(node, process);
    return process;
  };
  return { kernel, network, boot, held };
}

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const read = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

describe('datagrams', () => {
  it('a fault-free network loses, repeats, reorders and damages nothing, within its latencies', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({ from: fc.constantFrom('a', 'b', 'c'), to: fc.constantFrom('a', 'b', 'c'), at: fc.nat(5000), body: fc.string() }),
          {
            maxLength: 60,
          },
        ),
        fc.nat(1000),
        async (sends, seed) => {
          const { kernel, network, boot } = worldOf({ seed });
          const got: string[] = [];
          // Of sends at one moment the scheduler decides which comes first.
          const sentAs: number[] = [];
          const transports = new Map(
            ['a', 'b', 'c'].map((node) => {
              const transport = network.attach(boot(node));
              transport.listen((from, bytes) => {
                const [index, sentAt] = read(bytes).split('|', 2).map(Number);
                const latency = kernel.now() - (sentAt ?? 0);
                if (from === node) expect(latency).toBe(20);
                else expect(latency).toBeGreaterThanOrEqual(100);
                expect(latency).toBeLessThanOrEqual(700);
                got.push(`${from}>${node} ${read(bytes).split('|').slice(2).join('|')} #${index}`);
              });
              return [node, transport] as const;
            }),
          );
          for (const [index, { from, to, at, body }] of sends.entries()) {
            kernel.after(at, undefined, 'send', () => {
              sentAs.push(index);
              transports.get(from)?.send(to, text(`${index}|${kernel.now()}|${body}`));
            });
          }
          await kernel.run();
          for (const pair of new Set(got.map((line) => line.split(' ')[0]))) {
            const sentOrder = sends
              .map(({ from, to, at }, index) => ({ pair: `${from}>${to}`, at, index }))
              .filter((one) => one.pair === pair)
              .sort((x, y) => x.at - y.at || sentAs.indexOf(x.index) - sentAs.indexOf(y.index));
            const gotOrder = got.filter((line) => line.startsWith(`${pair} `)).map((line) => Number(line.split('#').at(-1)));
            expect(gotOrder).toEqual(sentOrder.map(({ index }) => index));
          }
          expect(got.sort()).toEqual(sends.map(({ from, to, body }, index) => `${from}>${to} ${body} #${index}`).sort());
        },
      ),
      { numRuns: 50 },
    );
  });

  it('have a permanent base latency per ordered pair, and keep their order', async () => {
    const { kernel, network, boot } = worldOf({ shape: { latencyMicrosMax: 5000, jitterMicros: 100 }, seed: 3 });
    const a = network.attach(boot('a'));
    const order: number[] = [];
    const latencies: Record<string, number[]> = { b: [], c: [] };
    for (const node of ['b', 'c']) {
      network.attach(boot(node)).listen((_, bytes) => {
        const [index, at] = read(bytes).split('|').map(Number) as [number, number];
        if (node === 'b') order.push(index);
        latencies[node]?.push(kernel.now() - at);
      });
    }
    for (let i = 0; i < 50; i++) {
      kernel.after(i * 10, undefined, 'send', () => {
        a.send('b', text(`${i}|${kernel.now()}`));
        a.send('c', text(`${i}|${kernel.now()}`));
      });
    }
    await kernel.run();
    const spread = (values: number[] = []): number => Math.max(...values) - Math.min(...values);
    expect(spread(latencies.b)).toBeLessThanOrEqual(100);
    expect(Math.abs(Math.min(...(latencies.b ?? [])) - Math.min(...(latencies.c ?? [])))).toBeGreaterThan(100);
    expect(order).toHaveLength(50);
    expect(order).toEqual([...order].sort((x, y) => x - y));
  });

  it('share the bandwidth of their pair', async () => {
    const { kernel, network, boot } = worldOf({ shape: { latencyMicrosMax: 100, jitterMicros: 0, bytesPerSecond: 1_000_000 } });
    const a = network.attach(boot('a'));
    const times: number[] = [];
    network.attach(boot('b')).listen(() => void times.push(kernel.now()));
    kernel.after(0, undefined, 'send', () => {
      for (let i = 0; i < 3; i++) a.send('b', new Uint8Array(984));
    });
    await kernel.run();
    expect(times).toEqual([1100, 2100, 3100]);
  });

  it('have rare long tails', async () => {
    const { kernel, network, boot } = worldOf({ shape: { tailOneIn: 10, tailMicros: 1_000_000 } });
    const a = network.attach(boot('a'));
    let late = 0;
    network.attach(boot('b')).listen((_, bytes) => void (kernel.now() - Number(read(bytes)) >= 1_000_000 && late++));
    // Far apart, so that none is held up by a late one before it.
    for (let i = 0; i < 1000; i++) kernel.after(i * 2_000_000, undefined, 'send', () => a.send('b', text(String(kernel.now()))));
    await kernel.run();
    expect(late).toBeGreaterThan(60);
    expect(late).toBeLessThan(150);
  });

  it('are lost where nobody listens, and reach the next life of a node that restarted', async () => {
    const { kernel, network, boot } = worldOf();
    const a = network.attach(boot('a'));
    const first = boot('b', 1);
    const got: string[] = [];
    network.attach(first).listen((_, bytes) => void got.push(`first ${read(bytes)}`));
    kernel.after(0, undefined, 'send', () => a.send('b', text('one')));
    kernel.after(5000, undefined, 'kill', () => {
      kernel.kill(first, 'test');
      a.send('b', text('two'));
    });
    kernel.after(9000, undefined, 'boot', () => {
      a.send('b', text('three'));
      network.attach(boot('b', 2)).listen((_, bytes) => void got.push(`second ${read(bytes)}`));
    });
    await kernel.run();
    expect(got).toEqual(['first one', 'second three']);
    expect(network.counts.get('lost')).toBe(1);
  });

  it('refuse what a real transport refuses', async () => {
    const { kernel, network, boot } = worldOf();
    const a = network.attach(boot('a'));
    a.listen(() => {});
    expect(() => a.listen(() => {})).toThrow(expect.objectContaining({ code: 'in-use' }));
    expect(() => a.send('b', new Uint8Array(16 * 1024 * 1024 + 1))).toThrow(expect.objectContaining({ code: 'too-large' }));
    await a.close();
    expect(() => a.send('b', new Uint8Array(1))).toThrow(expect.objectContaining({ code: 'closed' }));
    expect(() => a.listen(() => {})).toThrow(expect.objectContaining({ code: 'closed' }));
    await kernel.run();
  });

  it('do not share the buffer of the sender', async () => {
    const { kernel, network, boot } = worldOf();
    const a = network.attach(boot('a'));
    let got = '';
    network.attach(boot('b')).listen((_, bytes) => void (got = read(bytes)));
    const buffer = text('before');
    kernel.after(0, undefined, 'send', () => {
      a.send('b', buffer);
      buffer.fill(0);
    });
    await kernel.run();
    expect(got).toBe('before');
  });

  it('are lost beyond the limit of connections, until an idle one makes room', async () => {
    const { kernel, network, boot } = worldOf({ shape: { connectionsMax: 2 } });
    const a = network.attach(boot('a'));
    const got: string[] = [];
    for (const node of ['b', 'c', 'd']) network.attach(boot(node)).listen(() => void got.push(node));
    kernel.after(0, undefined, 'send', () => {
      for (const node of ['b', 'c', 'd']) a.send(node, text('x'));
    });
    kernel.after(20_000_000, undefined, 'send', () => a.send('d', text('x')));
    await kernel.run();
    expect(got.sort()).toEqual(['b', 'c', 'd']);
    expect(network.counts.get('lost')).toBe(1);
  });
});

describe('packet verdicts on datagrams', () => {
  const deliver = async (judge: (event: PacketEvent) => PacketVerdict | undefined, sends = 1) => {
    const world = worldOf({ judge });
    const { kernel, network, boot } = world;
    const a = network.attach(boot('a'));
    const got: { node: string; at: number; body: string }[] = [];
    for (const node of ['b', 'c'])
      network.attach(boot(node)).listen((_, bytes) => void got.push({ node, at: kernel.now(), body: read(bytes) }));
    for (let i = 0; i < sends; i++) kernel.after(0, undefined, 'send', () => a.send('b', text(`message ${i}`)));
    return { ...world, got };
  };

  for (const phase of ['send', 'arrive'] as const) {
    const at = (verdict: PacketVerdict) => (event: PacketEvent) => (event.phase === phase ? verdict : undefined);

    it(`drop at ${phase}`, async () => {
      const { kernel, got } = await deliver(at({ kind: 'drop' }));
      await kernel.run();
      expect(got).toEqual([]);
    });

    it(`delay at ${phase}`, async () => {
      const { kernel, got } = await deliver(at({ kind: 'delay', micros: 1_000_000 }));
      await kernel.run();
      expect(got).toHaveLength(1);
      expect(got[0]?.at).toBeGreaterThan(1_000_000);
    });

    it(`duplicate at ${phase}`, async () => {
      const { kernel, got } = await deliver(at({ kind: 'duplicate', copies: 2, spreadMicros: 500 }));
      await kernel.run();
      expect(got.map(({ body }) => body)).toEqual(['message 0', 'message 0', 'message 0']);
    });

    it(`corrupt at ${phase} is caught by the checksum and never delivered`, async () => {
      const { kernel, network, got } = await deliver(at({ kind: 'corrupt', bitFlips: 3 }), 300);
      await kernel.run();
      expect(got.filter(({ body }) => !/^message \d+$/.test(body))).toEqual([]);
      // An odd number of flips cannot cancel out.
      expect(got).toEqual([]);
      expect(network.counts.get('damaged')).toBe(300);
    });

    it(`truncate at ${phase} is caught`, async () => {
      const { kernel, got } = await deliver(at({ kind: 'truncate', keepNumerator: 1, keepDenominator: 2 }));
      await kernel.run();
      expect(got).toEqual([]);
    });

    it(`misdeliver at ${phase} reaches another node`, async () => {
      const { kernel, got } = await deliver(at({ kind: 'misdeliver', to: 'c' }));
      await kernel.run();
      expect(got.map(({ node }) => node)).toEqual(['c']);
    });

    it(`hold at ${phase} waits for the release`, async () => {
      const { kernel, got, held } = await deliver(at({ kind: 'hold' }));
      kernel.after(5_000_000, undefined, 'heal', () => {
        expect(got).toEqual([]);
        kernel.judge = { active: () => false, ask: () => undefined, hold: () => {} };
        for (const one of held) one.release();
      });
      await kernel.run();
      expect(got).toHaveLength(1);
      expect(got[0]?.at).toBeGreaterThanOrEqual(5_000_000);
    });
  }

  it('throttle makes messages wait for each other', async () => {
    const { kernel, got } = await deliver((event) => (event.phase === 'send' ? { kind: 'throttle', bytesPerSecond: 1_000 } : undefined), 3);
    await kernel.run();
    // Each takes 9 bytes and 16 of its frame: 25 ms of the link.
    const [first, second, third] = got.map(({ at }) => at).sort((x, y) => x - y) as [number, number, number];
    expect(first).toBeGreaterThan(25_000);
    expect(second - first).toBeGreaterThan(20_000);
    expect(third).toBeGreaterThan(75_000);
  });

  it('a stray message wakes who listens, with nothing in it', async () => {
    const { kernel, network, boot } = worldOf();
    const got: string[] = [];
    network.attach(boot('a')).listen((from, bytes) => void got.push(`${from} ${bytes.length}`));
    network.attach(boot('b'));
    const reached: boolean[] = [];
    kernel.after(0, undefined, 'stray', () => {
      for (const node of ['a', 'b', 'c']) reached.push(network.stray(node));
    });
    await kernel.run();
    expect(reached).toEqual([true, false, false]);
    expect(got).toEqual(['stranger 0']);
  });

  it('a limit of connections holds until it is lifted', async () => {
    const { kernel, network, boot } = worldOf();
    const a = network.attach(boot('a'));
    const got: string[] = [];
    for (const node of ['b', 'c']) network.attach(boot(node)).listen((_, bytes) => void got.push(`${node} ${read(bytes)}`));
    const send = (body: string): void => {
      for (const node of ['b', 'c']) a.send(node, text(body));
    };
    kernel.after(0, undefined, 'send', () => {
      network.limitConnections('a', 1);
      send('limited');
      network.limitConnections('a', undefined);
      send('lifted');
    });
    await kernel.run();
    expect(got.sort()).toEqual(['b lifted', 'b limited', 'c lifted']);
  });

  it('are asked with the topic of the message, where the scenario knows one', async () => {
    const topics: (string | undefined)[] = [];
    const { kernel, boot } = worldOf({ judge: (event) => void topics.push(event.topic) });
    const network = new Network(kernel, SHAPE, (bytes) => (bytes[0] === 7 ? 'seven' : undefined));
    const a = network.attach(boot('a'));
    kernel.after(0, undefined, 'send', () => {
      a.send('b', Uint8Array.of(7));
      a.send('b', Uint8Array.of(8));
    });
    await kernel.run();
    expect(topics.map(String).sort()).toEqual(['seven', 'seven', 'undefined', 'undefined']);
  });

  it('a delay lets those behind overtake', async () => {
    const { kernel, got } = await deliver(
      (event) => (event.phase === 'send' && event.message === 1 ? { kind: 'delay', micros: 10_000 } : undefined),
      3,
    );
    await kernel.run();
    expect(got.map(({ at }) => at > 10_000)).toEqual([false, false, true]);
  });

  it('a cut also stops what is in flight', async () => {
    let cut = false;
    const { kernel, got } = await deliver(() => (cut ? { kind: 'drop' } : undefined));
    kernel.after(50, undefined, 'cut', () => void (cut = true));
    await kernel.run();
    expect(got).toEqual([]);
  });
});

describe('streams', () => {
  const stream = (judge?: (event: PacketEvent) => PacketVerdict | undefined) => {
    const world = worldOf(judge === undefined ? {} : { judge });
    const { network, boot } = world;
    const sender = boot('a');
    const log: string[] = [];
    const send = (body: string, receiver?: Process): void =>
      network.send({
        from: 'a',
        to: receiver?.node ?? 'database',
        bytes: 100,
        sender,
        receiver,
        arrived: () => void log.push(`${body} arrived`),
        broken: () => void log.push(`${body} broken`),
      });
    return { ...world, log, send, sender };
  };

  it('keep their order over jitter and loss', async () => {
    const { kernel, log, send } = stream((event) =>
      event.phase === 'send' && event.message % 3 === 0 && event.latencyMicros % 2 === 0 ? { kind: 'drop' } : undefined,
    );
    for (let i = 0; i < 40; i++) kernel.after(i * 10, undefined, 'send', () => send(String(i)));
    await kernel.run();
    expect(log).toEqual(Array.from({ length: 40 }, (_, i) => `${i} arrived`));
  });

  it('repair loss at the cost of time', async () => {
    let asked = 0;
    const { kernel, log, send } = stream((event) => (event.phase === 'send' && asked++ < 2 ? { kind: 'drop' } : undefined));
    kernel.after(0, undefined, 'send', () => send('late'));
    await kernel.run();
    expect(log).toEqual(['late arrived']);
    expect(kernel.now()).toBeGreaterThan(600_000);
  });

  it('break when nothing gets through, and tell the sender only', async () => {
    const { kernel, log, send } = stream(() => ({ kind: 'drop' }));
    kernel.after(0, undefined, 'send', () => send('lost'));
    await kernel.run();
    expect(log).toEqual(['lost broken']);
    expect(kernel.now()).toBeGreaterThan(5_000_000);
  });

  it('break when the receiver is dead, and tell a dead sender nothing', async () => {
    const { kernel, log, send, boot, sender } = stream();
    const receiver = boot('b');
    kernel.after(0, undefined, 'send', () => send('to the dead', receiver));
    kernel.after(1, undefined, 'kill', () => kernel.kill(receiver, 'test'));
    kernel.after(1_000_000, undefined, 'send', () => {
      send('from the dead');
      kernel.kill(sender, 'test');
    });
    await kernel.run();
    expect(log).toEqual(['to the dead broken', 'from the dead arrived']);
  });
});
