/** The simulated clock, chance, network and telemetry keep the contracts of their ports, as machines hand them to programs. */
import { clockContract } from '../contract/clock-contract.js';
import { randomContract } from '../contract/random-contract.js';
import { tracerContract } from '../contract/tracer-contract.js';
import { transportContract } from '../contract/transport-contract.js';
import type { Clock, NodeId, Platform, StoryEvent, Tracer, Transport } from '../ports.js';
import { SimCluster } from './database/cluster.js';
import { Kernel } from './kernel.js';
import { Machine } from './machine.js';
import { Network } from './network.js';
import { randomOf } from './random.js';
import { SimServices } from './services.js';

const SHAPE = { latencyMicrosMin: 200, latencyMicrosMax: 2_000, jitterMicros: 100, tailOneIn: 0, tailMicros: 0, bytesPerSecond: 0 };
const TRANSPORT_METHODS = ['send', 'listen', 'close'] as const;

/** Machines of one world without faults, whose programs do nothing but hand over their platforms. */
class World {
  /** What was told since the body began. */
  readonly story: StoryEvent[] = [];
  readonly counters = new Map<string, number>();
  readonly #platforms = new Map<NodeId, Platform>();
  readonly #nodes: readonly NodeId[];
  readonly #kernel: Kernel;
  #body: (() => Promise<void>) | undefined;
  #telling = false;
  #failure: { readonly error: unknown } | undefined;

  constructor(nodes: readonly NodeId[]) {
    this.#nodes = nodes;
    const random = randomOf(7);
    this.#kernel = new Kernel({
      random,
      strategy: { kind: 'random' },
      quantumMicros: 1,
      limits: { events: 1_000_000, simMicros: 1_000_000_000_000, queueLength: 100_000 },
      onCrash: (_, error) => this.#fail(error),
      onKill: () => undefined,
      listeners: [(event) => void (this.#telling && this.story.push(event.body))],
    });
    const network = new Network(this.#kernel, SHAPE);
    const cluster = new SimCluster(this.#kernel, network);
    const services = new SimServices(this.#kernel, network, {});
    for (const node of nodes) {
      const machine = new Machine({
        node,
        kernel: this.#kernel,
        network,
        cluster,
        services,
        random: random.fork(node),
        program: (platform) => this.#program(platform),
        choiceOneIn: () => undefined,
        count: (name, amount) => this.counters.set(name, (this.counters.get(name) ?? 0) + amount),
        crashed: (_, error) => this.#fail(error),
      });
      machine.boot('start');
    }
  }

  /** The platform of a node; there is none before `run`. */
  platform(node: NodeId): Platform {
    const platform = this.#platforms.get(node);
    if (platform === undefined) throw new Error(`node ${node} has not booted: use its ports inside of run`);
    return platform;
  }

  async run<T>(body: () => Promise<T>): Promise<T> {
    let result: { readonly value: T } | undefined;
    this.#body = async () => {
      this.#telling = true;
      result = { value: await body() };
      this.#kernel.stop();
    };
    await this.#kernel.run();
    if (this.#failure !== undefined) throw this.#failure.error;
    if (result === undefined) throw new Error('the body waits for something that never comes');
    return result.value;
  }

  /** The last to boot runs the body; a program that is over would take its machine with it. */
  async #program(platform: Platform): Promise<void> {
    this.#platforms.set(platform.node, platform);
    if (this.#platforms.size === this.#nodes.length) await this.#body?.();
    await new Promise(() => undefined);
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#kernel.stop();
  }
}

/** The node's clock, which the contract gets before the node has booted. */
const clockOf = (world: World, node: NodeId): Clock => ({
  wallMicros: () => world.platform(node).clock.wallMicros(),
  monotonicMicros: () => world.platform(node).clock.monotonicMicros(),
  sleep: (micros) => world.platform(node).clock.sleep(micros),
  after: (micros, callback) => world.platform(node).clock.after(micros, callback),
});

function transportOf(world: World, node: NodeId): Transport {
  return new Proxy({ self: node } as Transport, {
    get: (target, name) => {
      const method = TRANSPORT_METHODS.find((known) => known === name);
      if (method === undefined) return Reflect.get(target, name) as unknown;
      const { transport } = world.platform(node);
      return (transport[method] as (...args: unknown[]) => unknown).bind(transport);
    },
  });
}

clockContract('the simulated clock', {
  make: async () => {
    const world = new World(['n1']);
    return { clock: clockOf(world, 'n1'), run: (body) => world.run(body), close: async () => undefined };
  },
});

let seed = 0;
randomContract('a labelled stream', { make: () => randomOf(seed++).fork('test') });

transportContract('the simulated network', {
  make: async (nodes) => {
    const world = new World(nodes);
    return {
      transports: nodes.map((node) => transportOf(world, node)),
      clock: clockOf(world, nodes[0] ?? ''),
      run: (body) => world.run(body),
      close: async () => undefined,
    };
  },
});

tracerContract('the trace', {
  make: () => {
    const world = new World(['n1']);
    const tracer: Tracer = {
      emit: (event) => world.platform('n1').tracer.emit(event),
      count: (name, amount) => world.platform('n1').tracer.count(name, amount),
    };
    return { tracer, events: () => world.story, counters: () => world.counters, run: (body) => world.run(body) };
  },
});
