/** A node of the cluster: the parts put together, and their life from registration to release. */
import type { Micros, Platform } from '../ports.js';
import type { ActorType } from './actor.js';
import { failure } from './call.js';
import { kelpieConfig, type KelpieConfig } from './config.js';
import { Deadlines } from './deadlines.js';
import { Dispatcher, shuttingDown } from './dispatcher.js';
import { KelpieError } from './errors.js';
import { actorRef, type ActorRef, nodeId, operationName, requestId } from './ids.js';
import type { Intake } from './intake.js';
import type { Json } from './json.js';
import { toJsonText } from './json.js';
import type { TaskLane } from './lane.js';
import type { LeaseJudge } from './lease.js';
import { HeldLeases } from './leases.js';
import { IDLE_MICROS_MAX } from './limits.js';
import { Nodes } from './nodes.js';
import type { KelpieParts } from './parts.js';
import { leaveRegistry } from './registry.js';
import { Releases } from './releases.js';
import { pauseMicros } from './retry.js';
import { Rpc } from './rpc.js';
import type { Runtime } from './runtime.js';
import type { StopSignal } from './stop-signal.js';
import { Teller } from './tell.js';
import { checkPayload, decodeCall, encodeAnswer, INVOKE } from './wire.js';

/** The runtime of a node that is being put together: its life is known once it is registered. */
class NodeRuntime implements Runtime {
  readonly node: string;
  readonly teller: Teller;
  readonly deadlines: Deadlines;
  readonly judge: LeaseJudge;
  readonly registryLane: TaskLane;
  life = 0;

  constructor(
    readonly platform: Platform,
    readonly config: KelpieConfig,
    readonly parts: KelpieParts,
  ) {
    this.node = nodeId(platform.node);
    this.teller = new Teller(platform.tracer);
    this.deadlines = new Deadlines(platform.clock);
    this.judge = parts.leaseJudge(platform.clock);
    this.registryLane = parts.registryLane();
  }
}

/** A part of a node with a life of its own (membership, migration, agents): started after registration, stopped before the leases go. */
export interface NodeService {
  readonly name: string;
  /** Sets its handlers of messages; called before the node listens. */
  listen?(rpc: Rpc): void;
  /** Called once the node is registered. */
  start?(access: NodeAccess): Promise<void> | void;
  /** Called when the node is told to stop, while it still serves: what the service has begun is to be ended or handed over, within a bound. */
  drain?(): Promise<void>;
  /** Called when the node stops, after its intake has closed and drained. */
  stop?(): Promise<void> | void;
  /** Called when every claim has been given back or the time for that is over; messages can still be sent. */
  leave?(): Promise<void> | void;
}

/** What a service may use of its node. */
export interface NodeAccess {
  readonly runtime: Runtime;
  readonly rpc: Rpc;
  readonly nodes: Nodes;
  readonly dispatcher: Dispatcher;
  /**
   * Gives up every actor at once, writing nothing more of them, and registers the node as a new life. Answers how many actors it gave
   * up, and whether it is registered: not, when it was told to stop first.
   */
  readonly rejoin: () => Promise<{ readonly actors: number; readonly registered: boolean }>;
  /** Asks the node to stop in order. */
  readonly requestStop: () => void;
}

export interface NodeOptions {
  readonly config?: Partial<KelpieConfig>;
  readonly parts: KelpieParts;
  readonly actors: readonly ActorType[];
  readonly services?: readonly NodeService[];
}

type Phase = 'new' | 'starting' | 'serving' | 'stopping' | 'stopped';

export interface InvokeOptions {
  /** Repeating a call with the same id takes effect at most once. One is made when absent. */
  readonly requestId?: string;
  readonly timeoutMicros?: Micros;
}

export class KelpieNode {
  readonly #runtime: NodeRuntime;
  readonly #rpc: Rpc;
  readonly #nodes: Nodes;
  readonly #leases: HeldLeases;
  readonly #releases: Releases;
  readonly #intake: Intake;
  readonly #dispatcher: Dispatcher;
  readonly #services: readonly NodeService[];
  readonly #signal: StopSignal;
  #phase: Phase = 'new';
  #ownCalls = 0;
  #boots = 0;
  #asked = false;
  #end: () => void = () => {};
  /** Settles when the node has stopped. */
  readonly #ended = new Promise<void>((resolve) => {
    this.#end = resolve;
  });

  /** Errors: `invalid-argument` for a configuration or an actor type that contradicts itself. */
  constructor(platform: Platform, { config, parts, actors, services = [] }: NodeOptions) {
    const runtime = new NodeRuntime(platform, kelpieConfig(config), parts);
    this.#runtime = runtime;
    this.#rpc = new Rpc(platform, runtime.deadlines, runtime.teller);
    this.#nodes = new Nodes(runtime);
    this.#leases = new HeldLeases(runtime);
    this.#releases = new Releases(runtime);
    this.#intake = parts.intake(runtime.config);
    this.#services = services;
    this.#signal = parts.stopSignal();
    this.#dispatcher = new Dispatcher(runtime, typesByNamespace(actors), {
      rpc: this.#rpc,
      nodes: this.#nodes,
      intake: this.#intake,
      admission: parts.admission(runtime.config),
      leases: this.#leases,
      releases: this.#releases,
    });
  }

  get phase(): Phase {
    return this.#phase;
  }

  /** Settles when the node has stopped, whoever asked it to: the process, its own program, or membership that nobody granted. */
  get ended(): Promise<void> {
    return this.#ended;
  }

  /** Listens, registers (as often as it takes), and serves. Resolves when calls are accepted, or when it was told to stop before that. */
  async start(): Promise<void> {
    if (this.#phase !== 'new') throw new Error(`node ${this.#runtime.node} was started before: it is ${this.#phase}`);
    this.#phase = 'starting';
    const { platform } = this.#runtime;
    platform.lifecycle.onStop(() => {
      this.#signal.raise();
      return this.#ended;
    });
    this.#rpc.handle(INVOKE, (body, { fresh }) => this.#invoked(body, fresh));
    for (const service of this.#services) service.listen?.(this.#rpc);
    this.#rpc.listen();
    const registered = await this.#register();
    void this.#signal.wait().then(() => this.stop());
    if (!registered) return;
    this.#phase = 'serving';
    void this.#sweep();
    const access: NodeAccess = {
      runtime: this.#runtime,
      rpc: this.#rpc,
      nodes: this.#nodes,
      dispatcher: this.#dispatcher,
      rejoin: () => this.#rejoin(),
      requestStop: () => this.requestStop(),
    };
    for (const service of this.#services) await service.start?.(access);
  }

  /** The program of a node: serves until it is told to stop, and ends when it has stopped in order. */
  async run(): Promise<void> {
    await this.start();
    await this.#ended;
  }

  /** Asks `run` to stop. */
  requestStop(): void {
    this.#signal.raise();
  }

  /** Calls an actor from the node's own program. Errors: any `KelpieError`. */
  async invoke(actor: ActorRef, operation: string, payload: Json, options: InvokeOptions = {}): Promise<Json> {
    checkPayload(toJsonText(payload, 'the payload'));
    this.#ownCalls += 1;
    const { config, platform, node, life } = this.#runtime;
    const answer = await this.#dispatcher.dispatch({
      actor,
      request: requestId(options.requestId ?? `${node}.${life}.own.${this.#ownCalls}`),
      operation: operationName(operation),
      payload,
      chain: [],
      hops: 0,
      deadlineMicros:
        platform.clock.monotonicMicros() + Math.min(options.timeoutMicros ?? config.invocationMicros, config.invocationMicros),
      mayRepeat: options.requestId !== undefined,
      place: false,
    });
    if (answer.ok) return answer.result;
    throw KelpieError.fromData(answer.error);
  }

  /** Lets services end what they have begun, closes intake, drains, deactivates, releases every claim, and leaves the registry; all within bounds. Later calls wait for the first. */
  stop(): Promise<void> {
    if (!this.#asked) {
      this.#asked = true;
      void this.#stop().then(this.#end);
    }
    return this.#ended;
  }

  /** Answers whether it is registered; not, when it was told to stop first. */
  async #register(): Promise<boolean> {
    const { platform, parts } = this.#runtime;
    this.#boots += 1;
    const boot = `${this.#runtime.node}.${platform.random.fork(`boot ${this.#boots}`).int(2 ** 52)}`;
    for (let tries = 1; !this.#signal.raised; tries++) {
      try {
        this.#runtime.life = await parts.register(this.#runtime, boot);
        return !this.#signal.raised;
      } catch (error) {
        if (!KelpieError.from(error).retriable) throw error;
        await platform.clock.sleep(pauseMicros(tries, platform.random));
      }
    }
    return false;
  }

  async #rejoin(): Promise<{ readonly actors: number; readonly registered: boolean }> {
    let actors = this.#leases.loseAll();
    // Claims go one at a time, so once this one's turn has come, none of the old life is on its way.
    const registered = await this.#runtime.registryLane.run(() => {
      actors += this.#leases.loseAll();
      return this.#register();
    });
    if (registered) void this.#sweep();
    return { actors, registered };
  }

  /** Tidies up after earlier lives, in the background: their actors can be claimed before that too. */
  async #sweep(): Promise<void> {
    const { platform, parts } = this.#runtime;
    for (let tries = 1; this.#phase === 'serving'; tries++) {
      try {
        return await parts.sweep(this.#runtime);
      } catch (error) {
        // What cannot be read is left as it is, and was told of by its error; everything else is a matter of time.
        if (!KelpieError.from(error).retriable) return;
        await platform.clock.sleep(pauseMicros(tries, platform.random));
      }
    }
  }

  async #invoked(body: unknown, fresh: boolean): Promise<Json> {
    const { node, platform } = this.#runtime;
    try {
      if (this.#phase === 'starting') throw new KelpieError('node-unavailable', `node ${node} is starting`);
      return encodeAnswer(await this.#dispatcher.dispatch(decodeCall(body, fresh, platform.clock.monotonicMicros())));
    } catch (error) {
      return encodeAnswer(failure(KelpieError.from(error).toData()));
    }
  }

  async #stop(): Promise<void> {
    if (this.#phase === 'new') {
      this.#phase = 'stopped';
      return;
    }
    this.#signal.raise();
    this.#phase = 'stopping';
    const { config, teller, node, life } = this.#runtime;
    const dispatcher = this.#dispatcher;
    await Promise.all(this.#services.map((service) => service.drain?.() ?? Promise.resolve()));
    teller.tell({ type: 'node.stop', pending: this.#intake.open, active: dispatcher.activations.length });
    const drained = this.#intake.close();
    let abandoned = 0;
    if (!(await this.#within(config.drainMicros, drained))) {
      const answer = failure(shuttingDown(node).toData());
      for (const activation of dispatcher.activations) abandoned += activation.abandon(answer);
      abandoned += dispatcher.abandon('forwarded');
      // What commits now gets its true answer.
      await this.#within(config.storeMicros, drained);
    }
    for (const service of this.#services) await service.stop?.();
    await this.#within(
      config.drainMicros + config.storeMicros,
      Promise.all(dispatcher.activations.map((activation) => activation.deactivate('shutdown'))),
    );
    await this.#within(config.storeMicros, this.#releases.idle());
    // Nothing that was accepted goes without an answer, whatever it still waits for.
    abandoned += dispatcher.abandon('all');
    for (const service of this.#services) await service.leave?.();
    const unreleased = this.#releases.size + dispatcher.activations.length;
    const recorded =
      life > 0 &&
      (await leaveRegistry(this.#runtime).then(
        () => true,
        () => false,
      ));
    teller.tell({ type: 'node.leave', nodeLife: life, abandoned, unreleased, recorded });
    this.#leases.close();
    this.#releases.close();
    this.#rpc.close();
    this.#runtime.deadlines.close();
    this.#phase = 'stopped';
    await this.#runtime.platform.transport.close();
  }

  /** Answers whether the promise settled within this time. */
  #within(micros: Micros, promise: Promise<unknown>): Promise<boolean> {
    const { platform, deadlines } = this.#runtime;
    return new Promise((resolve) => {
      const deadline = deadlines.at(platform.clock.monotonicMicros() + micros, () => resolve(false));
      const settled = (): void => {
        deadline.clear();
        resolve(true);
      };
      promise.then(settled, settled);
    });
  }
}

/** Errors: `invalid-argument`, `too-large`. */
function typesByNamespace(actors: readonly ActorType[]): ReadonlyMap<string, ActorType> {
  const types = new Map<string, ActorType>();
  for (const type of actors) {
    const { namespace } = actorRef(type.namespace, 'any');
    if (types.has(namespace)) throw new KelpieError('invalid-argument', `namespace ${namespace} has two types of actors`);
    const { idleMicros } = type;
    if (idleMicros !== undefined && (!Number.isSafeInteger(idleMicros) || idleMicros < 1 || idleMicros > IDLE_MICROS_MAX)) {
      throw new KelpieError('invalid-argument', `idleMicros of namespace ${namespace} must be an integer from 1 to ${IDLE_MICROS_MAX}`);
    }
    types.set(namespace, type);
  }
  return types;
}
