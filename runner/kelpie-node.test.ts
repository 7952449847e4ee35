/** Real node processes over TCP on loopback with the embedded store: what was acknowledged survives the death of a node. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Child, type Compiled, compile, startNode } from '../src/contract/compiled.js';
import { KelpieClient } from '../src/kelpie/client.js';
import { actorRef } from '../src/kelpie/ids.js';
import type { NodeId, Platform } from '../src/ports.js';
import { RealClock } from '../src/real/clock.js';
import { RealRandom } from '../src/real/random.js';
import { openTcpTransport, type PeerAddress } from '../src/real/tcp-transport.js';

const clock = new RealClock();
const random = new RealRandom();
/** Short, so that a dead node's actors move within the test. */
const kelpie = {
  leaseMicros: 1_500_000,
  leaseRenewMicros: 300_000,
  leaseGraceMicros: 100_000,
  leaseSkewMicros: 50_000,
  suspectMicros: 500_000,
  forwardMicros: 500_000,
};

let compiled: Compiled;
let folder: string;
const children: Child[] = [];
const closing: (() => Promise<void>)[] = [];

beforeAll(async () => {
  compiled = await compile(['runner/kelpie-node.ts']);
  folder = await mkdtemp(join(tmpdir(), 'kelpie-node-'));
}, 60_000);

afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()));
  for (const child of children) child.kill('SIGKILL');
  await Promise.all(children.splice(0).map(({ ended }) => ended));
});

afterAll(async () => {
  await Promise.all([compiled.remove(), rm(folder, { recursive: true })]);
});

async function freeAddress(): Promise<PeerAddress> {
  const probe = createServer();
  const port = await new Promise<number>((resolve) => {
    probe.listen(0, '127.0.0.1', () => resolve((probe.address() as { port: number }).port));
  });
  await new Promise((resolve) => {
    probe.close(resolve);
  });
  return { host: '127.0.0.1', port };
}

function run(...args: readonly string[]): Child {
  const child = startNode([compiled.path('runner/kelpie-node.ts'), ...args]);
  children.push(child);
  return child;
}

interface Cluster {
  readonly addresses: ReadonlyMap<NodeId, PeerAddress>;
  /** Starts the node, and waits until it serves. */
  start(node: NodeId): Promise<Child>;
}

async function cluster(name: string, nodes: readonly NodeId[], change: object = {}): Promise<Cluster> {
  const addresses = new Map<NodeId, PeerAddress>();
  for (const node of nodes) addresses.set(node, await freeAddress());
  return {
    addresses,
    async start(node) {
      const file = join(folder, `${name}-${node}.json`);
      const peers = Object.fromEntries([...addresses].filter(([peer]) => peer !== node));
      const database = { kind: 'embedded', directory: `${name}-store` };
      const listen = addresses.get(node);
      await writeFile(file, JSON.stringify({ node, listen, peers, dataDirectory: `${name}-${node}`, database, kelpie, ...change }));
      const child = run('--config', file);
      await child.line(`${node} serves`, (line) => line.includes('"msg":"serving"'), 20_000);
      return child;
    },
  };
}

/** A client that no node knows: it is answered over the connections that it opens. */
async function connect({ addresses }: Cluster): Promise<KelpieClient> {
  const tracer = { emit: () => undefined, count: () => undefined };
  const transport = await openTcpTransport({ self: 'client', addressOf: (node) => addresses.get(node), clock, random, tracer });
  // A client uses no disk, store or services of its own.
  const platform = { node: 'client', clock, random, transport, tracer } as unknown as Platform;
  const client = new KelpieClient(platform, { nodes: [...addresses.keys()], attemptMicros: 1_000_000, deadlineMicros: 15_000_000 });
  closing.push(() => client.close());
  return client;
}

describe('kelpie-node', () => {
  test('two nodes serve one client; one is killed, and every acknowledged write survives', { timeout: 60_000 }, async () => {
    const change = { kelpie: { ...kelpie, placement: 'round-robin' }, log: { level: 'debug' } };
    const both = await cluster('kill', ['n1', 'n2'], change);
    const [first, second] = await Promise.all([both.start('n1'), both.start('n2')]);
    const client = await connect(both);
    const counters = Array.from({ length: 8 }, (_, i) => actorRef('counter', `c${i}`));
    const acknowledged = counters.map(() => 0);
    const unsure = counters.map(() => 0);
    let stop = false;
    const writers = counters.map(async (actor, i) => {
      while (!stop) {
        const result = await client.invoke(actor, 'add', 1);
        if (result.kind === 'ok') acknowledged[i] = (acknowledged[i] ?? 0) + 1;
        else if (result.kind === 'unknown') unsure[i] = (unsure[i] ?? 0) + 1;
      }
    });
    const total = (): number => acknowledged.reduce((sum, count) => sum + count, 0);
    const until = async (what: string, done: () => boolean): Promise<void> => {
      for (let waited = 0; !done(); waited += 10) {
        if (waited > 20_000) expect.fail(`waited 20 s in vain: ${what}; acknowledged ${acknowledged.join(', ')}`);
        await clock.sleep(10_000);
      }
    };
    await until('each counter grows', () => acknowledged.every((count) => count >= 5));
    const activated = ({ lines }: Child): number => lines.filter((line) => line.includes('"type":"activate.done"')).length;
    expect(activated(first), 'counters on the node that will be killed').toBeGreaterThan(0);
    expect(activated(second), 'counters on the other node').toBeGreaterThan(0);
    first.kill('SIGKILL');
    expect(await first.ended).toBe('SIGKILL');
    const atKill = [...acknowledged];
    await until('each counter grows again, on the node that is left', () =>
      acknowledged.every((count, i) => count >= (atKill[i] ?? 0) + 5),
    );
    stop = true;
    await Promise.all(writers);
    for (const [i, actor] of counters.entries()) {
      const result = await client.invoke(actor, 'get', null);
      const sum = result.kind === 'ok' ? Number(result.result) : -1;
      expect(sum, `counter ${i}`).toBeGreaterThanOrEqual(acknowledged[i] ?? 0);
      expect(sum, `counter ${i}`).toBeLessThanOrEqual((acknowledged[i] ?? 0) + (unsure[i] ?? 0));
    }
    expect(total()).toBeGreaterThanOrEqual(80);
  });

  test('SIGTERM stops a node in order, and another one goes on with its actors at once', { timeout: 60_000 }, async () => {
    const both = await cluster('stop', ['n1', 'n2'], { kelpie: { ...kelpie, leaseMicros: 30_000_000, leaseRenewMicros: 10_000_000 } });
    const [first, second] = await Promise.all([both.start('n1'), both.start('n2')]);
    const client = await connect(both);
    const ledger = actorRef('ledger', 'main');
    await client.invoke(ledger, 'deposit', { account: 'a', amount: 100 });
    expect(await client.invoke(ledger, 'move', { from: 'a', to: 'b', amount: 30 })).toMatchObject({ kind: 'ok', result: 1 });
    first.kill('SIGTERM');
    expect(await first.ended, first.errors()).toBe(0);
    expect(first.lines.some((line) => line.includes('"msg":"stopped"') && line.includes('"kind":"clean"'))).toBe(true);
    // Leases last 30 s here: only released ones let the other node answer sooner.
    const balances = await client.invoke(ledger, 'balances', null, { deadlineMicros: 10_000_000 });
    expect(balances).toEqual({ kind: 'ok', result: { a: 70, b: 30 } });
    expect(await client.invoke(ledger, 'move', { from: 'b', to: 'a', amount: 31 })).toMatchObject({
      kind: 'error',
      error: { code: 'invalid-argument' },
    });
    second.kill('SIGINT');
    expect(await second.ended, second.errors()).toBe(0);
    const again = await both.start('n1');
    expect(await client.invoke(ledger, 'balances', null)).toEqual({ kind: 'ok', result: { a: 70, b: 30 } });
    for (const line of again.lines) expect(() => JSON.parse(line) as unknown).not.toThrow();
  });

  test('a module with own actors is served; one without is refused', { timeout: 60_000 }, async () => {
    const own = join(folder, 'own-actors.mjs');
    await writeFile(
      own,
      `export const actors = [{ namespace: 'echo', create: () => ({ initialState: () => ({}), invoke: (ctx, operation, payload) => [operation, payload] }) }];`,
    );
    const one = await cluster('own', ['n1'], { actors: ['own-actors.mjs'] });
    await one.start('n1');
    const client = await connect(one);
    expect(await client.invoke(actorRef('echo', 'e'), 'say', 'hello')).toEqual({ kind: 'ok', result: ['say', 'hello'] });
    await writeFile(join(folder, 'no-actors.mjs'), 'export const actors = [{ name: "echo" }];');
    const child = run('--config', await configFile({ actors: ['no-actors.mjs'] }));
    expect(await child.ended).toBe(2);
    expect(child.errors()).toMatch(/actors\.0: expected .*no-actors\.mjs to export `actors`/);
  });

  const good = {
    node: 'n1',
    listen: { host: '127.0.0.1', port: 7101 },
    dataDirectory: 'd',
    database: { kind: 'embedded', directory: 's' },
  };
  let files = 0;
  async function configFile(change: object): Promise<string> {
    const file = join(folder, `config-${files++}.json`);
    await writeFile(file, JSON.stringify({ ...good, ...change }));
    return file;
  }

  test('a wrong field ends with exit code 2 and file, field, expected and seen; nothing is created', async () => {
    const file = await configFile({ listen: { host: 'h', port: 'http' } });
    const child = run('--config', file);
    expect(await child.ended).toBe(2);
    expect(child.errors()).toContain(`kelpie-node: ${file}: listen.port: `);
    expect(child.errors()).toMatch(/expected number.*seen "http"/);
    expect(child.lines).toEqual([]);
  });

  test('settings of the runtime that contradict themselves end with exit code 2 and their name', async () => {
    const child = run('--config', await configFile({ kelpie: { leaseMicros: 1_000_000, leaseRenewMicros: 2_000_000 } }));
    expect(await child.ended).toBe(2);
    expect(child.errors()).toMatch(/kelpie: config\.leaseRenewMicros must be shorter/);
    const agents = run('--config', await configFile({ agents: { takeOverMicros: 1_000_000 } }));
    expect(await agents.ended).toBe(2);
    expect(agents.errors()).toMatch(/agents: agents\.takeOverMicros must be at least peerMicros \* peerTries/);
    const unknown = run('--config', await configFile({ kelpie: { leseMicros: 1 } }));
    expect(await unknown.ended).toBe(2);
    expect(unknown.errors()).toMatch(/config\.leseMicros: there is no such field/);
  });

  test('actors in the namespace of agents are refused', async () => {
    await writeFile(join(folder, 'agents-too.mjs'), 'export const actors = [{ namespace: "agents", create: () => ({}) }];');
    const child = run('--config', await configFile({ actors: ['agents-too.mjs'] }));
    expect(await child.ended).toBe(2);
    expect(child.errors()).toContain('actors: namespace agents belongs to agents');
  });

  test('a node that no member lets in ends with exit code 1, and says why', { timeout: 60_000 }, async () => {
    const both = await cluster('outside', ['n1', 'n2'], { kelpie: { ...kelpie, joinTries: 2 }, log: { level: 'debug' } });
    const first = await both.start('n1');
    await first.line('n1 is a member', (line) => line.includes('"msg":"member.join"'));
    first.kill('SIGKILL');
    await first.ended;
    const second = await both.start('n2');
    expect(await second.ended).toBe(1);
    expect(second.lines.join('\n')).toContain('no peer let this node into the cluster');
  });

  test('usage: without a configuration 2, with --help 0', async () => {
    for (const args of [[], ['--konfig', 'x'], ['--config'], ['stray']]) {
      const child = run(...args);
      expect(await child.ended, args.join(' ')).toBe(2);
      expect(child.errors()).toContain('Usage: kelpie-node --config FILE');
    }
    const help = run('--help');
    expect(await help.ended).toBe(0);
    expect(help.lines.join('\n')).toContain('"database": { "kind": "embedded"');
  });

  test('an address that is taken ends with exit code 1 and says so', async () => {
    const holder = createServer();
    await new Promise<void>((resolve) => {
      holder.listen(0, '127.0.0.1', resolve);
    });
    closing.push(
      () =>
        new Promise((resolve) => {
          holder.close(() => resolve());
        }),
    );
    const { port } = holder.address() as { port: number };
    const child = run('--config', await configFile({ listen: { host: '127.0.0.1', port } }));
    expect(await child.ended).toBe(1);
    expect(child.errors()).toMatch(new RegExp(`cannot listen at 127\\.0\\.0\\.1:${port}`));
  });
});
