/**
 * Kelpie itself. Invocations and activations on one real node (embedded store, TCP on loopback, client and node in one process and so
 * on one core) and on a simulated one; what a failover takes; and how fast whole simulated clusters run.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { catalogue, DEFAULT_SCENARIO, find } from '../runner/catalogue.js';
import { actors } from '../runner/demo-actors.js';
import { draw } from '../runner/draw.js';
import { rehearse } from '../runner/fixtures/simulated-cluster.js';
import { simulateCase } from '../runner/simulate-case.js';
import { KelpieClient } from '../src/kelpie/client.js';
import { DEFAULT_CONFIG, type KelpieConfig } from '../src/kelpie/config.js';
import { actorRef } from '../src/kelpie/ids.js';
import { Membership } from '../src/kelpie/membership/membership.js';
import { KelpieNode, type NodeService } from '../src/kelpie/node.js';
import { correctParts } from '../src/kelpie/parts.js';
import { type Database, type Micros, type NodeId, type Platform, transact } from '../src/ports.js';
import { checkNodeConfig } from '../src/real/node-config.js';
import { realPlatform } from '../src/real/platform.js';
import { openTcpTransport } from '../src/real/tcp-transport.js';
import type { Case } from '../src/run.js';
import { type SimScenario, simulate } from '../src/sim/simulate.js';
import { type BenchRow, median, perSecond, sideBySide } from './bench.js';

const SECOND: Micros = 1_000_000;
const ROUNDS = 3;
/** Each keeps to one actor, or one key, of its own: a conflict would be other, longer work. */
const CALLERS = 16;
/** How long clients try: no bench comes near it. */
const PATIENT_MICROS: Micros = 120 * SECOND;

/** `work` by all callers at once, `count` times together. */
async function byAllCallers(count: number, work: (caller: number) => Promise<void>): Promise<void> {
  const each = Math.floor(count / CALLERS);
  const callers = Array.from({ length: CALLERS }, async (_, caller) => {
    for (let i = 0; i < each; i++) await work(caller);
  });
  await Promise.all(callers);
}

/** One call that changes the actor's state and a key of it. */
async function add(client: KelpieClient, id: string): Promise<void> {
  const answer = await client.invoke(actorRef('counter', id), 'add', 1);
  if (answer.kind !== 'ok') throw answer.error;
}

/** One transaction that reads a key and writes it. */
function countUp(database: Database, name: string): Promise<void> {
  const key = new TextEncoder().encode(`bench/${name}`);
  return transact(database, async (transaction) => {
    const before = await transaction.get(key);
    transaction.set(key, Uint8Array.of(((before?.[0] ?? 0) + 1) & 0xff));
  });
}

const node = (platform: Platform, config: Partial<KelpieConfig> = {}, services: readonly NodeService[] = []): KelpieNode =>
  new KelpieNode(platform, { config, parts: correctParts, actors, services });

/** Runs `work` beside a real node. Everything is closed and removed afterwards, whatever comes of it. */
async function besideRealNode<T>(work: (client: KelpieClient, database: Database) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'kelpie-bench-'));
  try {
    const config = checkNodeConfig('the configuration of the bench', {
      node: 'n1',
      listen: { host: '127.0.0.1', port: 1 },
      dataDirectory: join(folder, 'n1'),
      database: { kind: 'embedded', directory: join(folder, 'store') },
      log: { level: 'silent' },
    });
    // A file must name the port that peers are told; here any free one does.
    const platform = await realPlatform({ ...config, listen: { ...config.listen, port: 0 } });
    try {
      const server = node(platform);
      await server.start();
      const { clock, random, tracer, transport: listening } = platform;
      const transport = await openTcpTransport({ self: 'c1', addressOf: () => listening.address, clock, random, tracer });
      const client = new KelpieClient({ ...platform, node: 'c1', transport }, { nodes: ['n1'] });
      try {
        return await work(client, platform.database);
      } finally {
        await client.close();
        await server.stop();
      }
    } finally {
      await platform.close();
    }
  } finally {
    await rm(folder, { recursive: true });
  }
}

interface Simulated {
  readonly nodes: number;
  readonly config?: Partial<KelpieConfig>;
  readonly client: (client: KelpieClient, platform: Platform) => Promise<void>;
}

/** Runs a client beside simulated nodes, without faults, promises or a recorded trace. */
async function besideSimulatedNodes({ nodes, config, client }: Simulated): Promise<void> {
  const ids = Array.from({ length: nodes }, (_, i): NodeId => `n${i + 1}`);
  let ended = false;
  const scenario: SimScenario<null> = {
    id: 'bench',
    invariants: [],
    parts: null,
    convergenceMicros: 100_000 * SECOND,
    budget: (_, chaosMicros) => ({ nodes: ids, downMax: 0, lyingDisksMax: 0, clockSkewMicrosMax: 0, clockDriftPpmMax: 0, chaosMicros }),
    serve: (platform) => node(platform, config).run(),
    async client(platform) {
      await client(new KelpieClient(platform, { nodes: ids }), platform);
      ended = true;
    },
  };
  const run: Case = {
    version: 1,
    seed: 1,
    scenario: scenario.id,
    profile: 'none',
    strategy: { kind: 'fifo' },
    quantumMicros: 1,
    faults: [],
    network: { latencyMicrosMin: 200, latencyMicrosMax: 500, jitterMicros: 50, tailOneIn: 0, tailMicros: 0, bytesPerSecond: 0 },
    workload: { nodes, clients: 1, operations: [] },
    knobs: {},
    chaosMicros: SECOND,
    limits: { events: Number.MAX_SAFE_INTEGER, simMicros: Number.MAX_SAFE_INTEGER, queueLength: 1_000_000 },
  };
  const { run: result } = await simulate(run, { scenario, faults: [] });
  if (!ended) throw new Error(`the simulated client did not come to its end: ${result.verdict}, ${result.reason ?? ''}`);
}

/** Invocations a second on one node, each with its commit, beside bare transactions on the same store by as many callers. */
export async function invocations(realCalls = 4_000, simulatedCalls = 10_000): Promise<BenchRow[]> {
  const real = await besideRealNode((client, database) =>
    sideBySide(
      ROUNDS,
      () => perSecond(realCalls, () => byAllCallers(realCalls, (caller) => add(client, `a${caller}`))),
      () => perSecond(realCalls, () => byAllCallers(realCalls, (caller) => countUp(database, `a${caller}`))),
    ),
  );
  const simulated = await sideBySide(
    ROUNDS,
    () =>
      perSecond(simulatedCalls, () =>
        besideSimulatedNodes({ nodes: 1, client: (client) => byAllCallers(simulatedCalls, (caller) => add(client, `a${caller}`)) }),
      ),
    () =>
      perSecond(simulatedCalls, () =>
        besideSimulatedNodes({
          nodes: 1,
          client: (_, { database }) => byAllCallers(simulatedCalls, (caller) => countUp(database, `a${caller}`)),
        }),
      ),
  );
  return [
    { bench: 'invocations', unit: 'real/s', against: 'bare transactions, embedded store', aim: 0.3, ...real },
    { bench: 'invocations', unit: 'simulated/s', against: 'bare transactions, simulated', aim: 0.3, ...simulated },
  ];
}

/** Median times of the first call of actors that nobody holds, and of the next call of each. */
async function firstAndNext(
  client: KelpieClient,
  actorsCalled: number,
  nowMicros: () => Micros,
): Promise<{ readonly ours: number; readonly theirs: number }> {
  const timed = async (id: string): Promise<Micros> => {
    const begin = nowMicros();
    await add(client, id);
    return nowMicros() - begin;
  };
  const first: Micros[] = [];
  const next: Micros[] = [];
  for (let i = 0; i < actorsCalled; i++) {
    first.push(await timed(`fresh${i}`));
    next.push(await timed(`fresh${i}`));
  }
  return { ours: median(first), theirs: median(next) };
}

/** How long the call takes that activates its actor: claim, first read, `onActivate` and the call itself. */
export async function activation(actorsCalled = 200): Promise<BenchRow[]> {
  const real = await besideRealNode(async (client) => {
    await add(client, 'warm');
    return firstAndNext(client, actorsCalled, () => Number(process.hrtime.bigint() / 1_000n));
  });
  let simulated = { ours: Number.NaN, theirs: Number.NaN };
  await besideSimulatedNodes({
    nodes: 1,
    client: async (client, { clock }) => {
      await add(client, 'warm');
      simulated = await firstAndNext(client, actorsCalled, () => clock.monotonicMicros());
    },
  });
  const row = { bench: 'activation', against: 'a call of an active actor', aim: 4, lessIsBetter: true } as const;
  return [
    { ...row, unit: 'us, real', ...real },
    { ...row, unit: 'us, simulated', ...simulated },
  ];
}

/** An attempt of the client; it ends its attempts at a dead node with this, and its pause between two is shorter than a second. */
const ATTEMPT_MICROS: Micros = 2 * SECOND;
/** Where in the time between two renewals a node dies is drawn. */
const UNTIL_KILL_MICROS_MAX: Micros = 2 * DEFAULT_CONFIG.leaseRenewMicros;

/** How often the end of a failover is looked for. */
const LOOK_MICROS: Micros = 10_000;

/** Who notices that a node has died: a client that calls an actor of it, or, where nobody calls, the primary of the cluster. */
type Noticed = 'by-caller' | 'by-primary';

/** Simulated time from the death of a node to the first answer of an actor that it held, or until its actors are free to be claimed. */
async function failoverOf(seed: number, nodes: readonly NodeId[], noticed: Noticed): Promise<Micros> {
  const { result } = await rehearse({
    seed,
    nodes: nodes.length,
    micros: 2 * PATIENT_MICROS,
    serve: (platform) => node(platform, {}, [new Membership({ seeds: nodes })]).run(),
    script: async ({ platform, world, story }) => {
      const client = new KelpieClient(platform, { nodes, attemptMicros: ATTEMPT_MICROS, deadlineMicros: PATIENT_MICROS });
      await add(client, 'watched');
      const holder = story.findLast(({ body }) => body.type === 'claim.commit')?.node;
      await platform.clock.sleep(UNTIL_KILL_MICROS_MAX / 2 + platform.random.fork('kill').int(UNTIL_KILL_MICROS_MAX / 2));
      if (holder === undefined || !world.kill(holder, 'bench')) throw new Error(`seed ${seed}: no node holds the actor that was called`);
      const begin = world.now();
      if (noticed === 'by-caller') await add(client, 'watched');
      else {
        while (!story.some(({ body }) => body.type === 'failover.done' && body.member === holder)) {
          if (world.now() - begin > PATIENT_MICROS) throw new Error(`seed ${seed}: nobody has freed the actors of ${holder}`);
          await platform.clock.sleep(LOOK_MICROS);
        }
      }
      return world.now() - begin;
    },
  });
  return result;
}

/** Failover over many seeds, beside its bound: a lease, the detection of the death, and one round of whoever notices it. */
export async function failover(seeds = 50): Promise<BenchRow[]> {
  const nodes = ['n1', 'n2', 'n3'];
  const { leaseMicros, heartbeatMicros, heartbeatsMissedFailed } = DEFAULT_CONFIG;
  // The heartbeat that finds so many before it unanswered is one more.
  const detection = heartbeatMicros * (heartbeatsMissedFailed + 1);
  const rows: BenchRow[] = [];
  for (const noticed of ['by-caller', 'by-primary'] as const) {
    const round = noticed === 'by-caller' ? ATTEMPT_MICROS + SECOND : heartbeatMicros;
    const theirs = (leaseMicros + detection + round) / 1_000;
    const took: Micros[] = [];
    for (let seed = 1; seed <= seeds; seed++) took.push(await failoverOf(seed, nodes, noticed));
    const against = `lease + detection + round, ${noticed}`;
    const row = { bench: 'failover', against, theirs, aim: 1, lessIsBetter: true } as const;
    rows.push(
      { ...row, unit: 'sim ms median', ours: median(took) / 1_000 },
      { ...row, unit: 'sim ms most', ours: Math.max(...took) / 1_000 },
    );
  }
  return rows;
}

const EVENTS_PER_SECOND_AIM = 250_000;
const SIMULATED_SECONDS_AIM = 10_000;
const FULL_NODES = 5;

/**
 * Calls `work`, which answers how many things it did, and returns things per second of processor time. An aim that is a fixed figure
 * for one core has no peer beside it that other work on the machine would slow down alike, so waiting for a core does not count.
 */
async function perProcessorSecond(work: () => Promise<number>): Promise<number> {
  const begin = process.cpuUsage();
  const done = await work();
  const { user, system } = process.cpuUsage(begin);
  return (done * 1e6) / (user + system);
}

async function medianOf(rounds: number, figure: () => Promise<number>): Promise<number> {
  await figure();
  const figures: number[] = [];
  for (let i = 0; i < rounds; i++) figures.push(await figure());
  return median(figures);
}

/** The whole of Kelpie on five nodes under drawn faults, with hash, promises and specs; and nodes that only keep their leases. */
export async function fullRun(runs = 12, simulatedSeconds = 3_000): Promise<BenchRow[]> {
  const scenario = find('scenario', catalogue.scenarios, DEFAULT_SCENARIO);
  const { faults } = catalogue;
  const cases: Case[] = [];
  for (let seed = 1; cases.length < runs; seed++) {
    const run = draw(seed, scenario, { faults });
    if (run.workload.nodes === FULL_NODES) cases.push(run);
  }
  const events = await medianOf(ROUNDS, () =>
    perProcessorSecond(async () => {
      let total = 0;
      for (const run of cases) {
        const done = await simulateCase(run, catalogue, {});
        if (typeof done === 'string') throw new Error(done);
        total += done.run.events;
      }
      return total;
    }),
  );
  const leases = await medianOf(ROUNDS, () =>
    perProcessorSecond(async () => {
      await besideSimulatedNodes({
        nodes: 3,
        config: { idleMicros: 3_600 * SECOND },
        client: async (client, { clock }) => {
          for (let i = 0; i < 30; i++) await add(client, `kept${i}`);
          await clock.sleep(simulatedSeconds * SECOND);
        },
      });
      return simulatedSeconds;
    }),
  );
  const against = 'aim of performance.md';
  return [
    { bench: 'full-run', ours: events, unit: 'events/s', against, theirs: EVENTS_PER_SECOND_AIM, aim: 1 },
    { bench: 'full-run', ours: leases, unit: 'sim s/s, leases', against, theirs: SIMULATED_SECONDS_AIM, aim: 1 },
  ];
}
