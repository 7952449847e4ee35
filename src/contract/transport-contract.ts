/** What every `Transport` must do on a network without faults; what a faulty one may do is the network's own business. */
import { describe, expect, test } from 'vitest';
import { type Clock, MESSAGE_BYTES_MAX, type NodeId, PortError, type Transport } from '../ports.js';

export interface TransportsUnderTest {
  /** One transport a node, in the order asked, all able to reach each other. */
  readonly transports: readonly Transport[];
  readonly clock: Clock;
  /** Runs the body to its end; a simulated network is driven meanwhile. */
  run<T>(body: () => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export interface TransportContractOptions {
  make(nodes: readonly NodeId[]): Promise<TransportsUnderTest>;
}

const SECOND = 1_000_000;

interface Received {
  readonly from: NodeId;
  readonly bytes: Uint8Array;
}

export function transportContract(name: string, options: TransportContractOptions): void {
  const promise = (title: string, body: (a: Transport, b: Transport, clock: Clock) => Promise<void>): void => {
    test(title, { timeout: 20_000 }, async () => {
      const under = await options.make(['a', 'b']);
      const [a, b] = under.transports;
      if (a === undefined || b === undefined) throw new Error('the factory must give one transport for each of the two nodes');
      try {
        await under.run(() => body(a, b, under.clock));
      } finally {
        await under.close();
      }
    });
  };

  /** Collects what arrives. */
  const inbox = (transport: Transport): Received[] => {
    const received: Received[] = [];
    transport.listen((from, bytes) => received.push({ from, bytes }));
    return received;
  };
  const until = async (clock: Clock, what: string, done: () => boolean): Promise<void> => {
    for (let waited = 0; !done(); waited += 5_000) {
      if (waited > 10 * SECOND) expect.fail(`waited 10 s in vain: ${what}`);
      await clock.sleep(5_000);
    }
  };
  const refuses = (expected: string, action: () => void): void => {
    try {
      action();
    } catch (error) {
      expect(error).toBeInstanceOf(PortError);
      expect(error).toHaveProperty('code', expected);
      return;
    }
    expect.fail(`expected PortError ${expected}, but nothing failed`);
  };
  const patterned = (length: number, from: number): Uint8Array => {
    const bytes = new Uint8Array(length);
    for (let i = 0; i < length; i++) bytes[i] = (i * 31 + from) & 0xff;
    return bytes;
  };
  /** In words, because a diff of large arrays takes the test runner seconds. */
  const told = ({ from, bytes }: Received, expected: Uint8Array): string =>
    `${bytes.length} bytes from ${from}, ${Buffer.compare(bytes, expected) === 0 ? 'as sent' : 'changed on the way'}`;

  describe(`${name} keeps the Transport contract`, () => {
    promise('each knows its own name', async (a, b) => {
      expect([a.self, b.self]).toEqual(['a', 'b']);
    });

    promise('messages arrive whole, once, with the name of their sender, in both directions', async (a, b, clock) => {
      const [atA, atB] = [inbox(a), inbox(b)];
      const sizes = [0, 1, 2, 255, 256, 65_535, 65_536, 1_000_000];
      for (const [i, size] of sizes.entries()) {
        a.send('b', patterned(size, i));
        b.send('a', patterned(size, i + 100));
      }
      await until(clock, 'all messages', () => atA.length >= sizes.length && atB.length >= sizes.length);
      await clock.sleep(50_000);
      const bySize = (x: Received, y: Received): number => x.bytes.length - y.bytes.length;
      const inOrder = (received: Received[], from: number): string[] =>
        received.sort(bySize).map((one, i) => told(one, patterned(sizes[i] ?? 0, i + from)));
      expect(inOrder(atB, 0)).toEqual(sizes.map((size) => `${size} bytes from a, as sent`));
      expect(inOrder(atA, 100)).toEqual(sizes.map((size) => `${size} bytes from b, as sent`));
    });

    promise('a thousand small messages all arrive when no fault is there', async (a, b, clock) => {
      const atB = inbox(b);
      for (let i = 0; i < 1_000; i++) a.send('b', patterned(4, i));
      await until(clock, 'a thousand messages', () => atB.length >= 1_000);
      expect(atB.length).toBe(1_000);
    });

    promise('the longest legal message arrives, one byte more is too-large', async (a, b, clock) => {
      const atB = inbox(b);
      refuses('too-large', () => a.send('b', new Uint8Array(MESSAGE_BYTES_MAX + 1)));
      const longest = new Uint8Array(MESSAGE_BYTES_MAX);
      longest.set(patterned(1_000, 7), MESSAGE_BYTES_MAX - 1_000);
      a.send('b', longest);
      await until(clock, 'the longest message', () => atB.length > 0);
      expect(atB.map((one) => told(one, longest))).toEqual([`${MESSAGE_BYTES_MAX} bytes from a, as sent`]);
    });

    promise('a node can send to itself', async (a, _b, clock) => {
      const atA = inbox(a);
      let inside = true;
      a.send('a', patterned(3, 1));
      expect(atA.length, 'never delivered inside send').toBe(0);
      inside = false;
      await until(clock, 'the message to itself', () => atA.length > 0);
      expect(inside).toBe(false);
      expect(atA).toEqual([{ from: 'a', bytes: patterned(3, 1) }]);
    });

    promise('bytes are copied on their way: changing them here changes nothing there', async (a, b, clock) => {
      const [atA, atB] = [inbox(a), inbox(b)];
      // A Buffer is a Uint8Array whose `slice` shares its bytes: a copy by `slice` would be none.
      const message = Buffer.from(patterned(8, 0));
      a.send('b', message);
      a.send('a', message);
      message.fill(0);
      await until(clock, 'both messages', () => atA.length > 0 && atB.length > 0);
      expect(atB[0]?.bytes).toEqual(patterned(8, 0));
      expect(atA[0]?.bytes).toEqual(patterned(8, 0));
      atB[0]?.bytes.fill(1);
      a.send('b', patterned(8, 0));
      await until(clock, 'the next message', () => atB.length > 1);
      expect(atB[1]?.bytes).toEqual(patterned(8, 0));
    });

    promise('sending to a node that nobody knows is silent, and harms nobody', async (a, b, clock) => {
      const atB = inbox(b);
      a.send('nobody', patterned(3, 0));
      a.send('b', patterned(3, 1));
      await until(clock, 'the message to the known node', () => atB.length > 0);
      expect(atB).toEqual([{ from: 'a', bytes: patterned(3, 1) }]);
    });

    promise('there is one handler', async (a) => {
      a.listen(() => undefined);
      refuses('in-use', () => a.listen(() => undefined));
    });

    promise('after close nothing is sent, and nothing arrives', async (a, b, clock) => {
      const atB = inbox(b);
      a.send('b', patterned(1, 0));
      await until(clock, 'the first message', () => atB.length > 0);
      await b.close();
      a.send('b', patterned(1, 1));
      await clock.sleep(100_000);
      expect(atB.length).toBe(1);
      refuses('closed', () => b.send('a', patterned(1, 2)));
      refuses('closed', () => b.listen(() => undefined));
      await b.close();
    });
  });
}
