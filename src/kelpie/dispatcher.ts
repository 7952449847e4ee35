/**
 * Where a call is served: by the actor here, by the node that holds it, or by a new activation. A call that was accepted is answered
 * exactly once, whatever happens.
 */
import type { NodeId } from '../ports.js';
import { Activation, type ActivationHost, type Handover } from './activation.js';
import type { ActorType } from './actor.js';
import { AGAIN, type Answer, type Call, type Delivery, failure } from './call.js';
import { chooses } from './choices.js';
import { isRetriable, KelpieError, type KelpieErrorCode, type KelpieErrorData } from './errors.js';
import type { ActorKey, ActorRef } from './ids.js';
import type { Admission, Intake } from './intake.js';
import type { OutgoingCall } from './invocation.js';
import type { Json } from './json.js';
import type { HeldLeases } from './leases.js';
import { FORWARDS_MAX, RPC_MICROS_MAX } from './limits.js';
import type { Nodes } from './nodes.js';
import type { Releases } from './releases.js';
import { pauseMicros } from './retry.js';
import type { Reply, Rpc } from './rpc.js';
import { Routes } from './routes.js';
import type { Runtime } from './runtime.js';
import { decodeAnswer, encodeCall, INVOKE } from './wire.js';

/** A forward that brought no answer. */
export interface FailedForward {
  readonly actor: ActorKey;
  readonly to: NodeId;
  readonly why: 'timeout' | 'not-owner' | 'unsendable';
  /** How many forwards of this call have failed, with this one. */
  readonly failed: number;
}

/** What to do then: ask the registry who holds the actor now, send to the same node again, or leave it to the caller. */
export type AfterFailedForward = (forward: FailedForward) => 'look-again' | 'same-node' | 'give-up';

export const afterFailedForward: AfterFailedForward = ({ failed }) => (failed < FORWARDS_MAX ? 'look-again' : 'give-up');

/** A call that was accepted and is not answered. */
interface OpenRoute {
  /** Another node has been asked to serve it, and has not answered. */
  forwarded: boolean;
  /** Answers it that this node shuts down, and that it may take effect all the same. */
  readonly abandon: () => void;
}

/** Activations that may end under one call before its caller is asked to come again. */
const AGAIN_MAX = 20;

export class Dispatcher implements ActivationHost {
  readonly leases: HeldLeases;
  readonly releases: Releases;
  readonly makeCall = (call: OutgoingCall): Promise<Json> => this.#callOut(call);
  readonly #runtime: Runtime;
  readonly #types: ReadonlyMap<string, ActorType>;
  readonly #rpc: Rpc;
  readonly #nodes: Nodes;
  readonly #intake: Intake;
  readonly #admission: Admission;
  readonly #active = new Map<ActorKey, Activation>();
  readonly #routes = new Routes();
  readonly #open = new Set<OpenRoute>();
  #claims = 0;

  constructor(
    runtime: Runtime,
    types: ReadonlyMap<string, ActorType>,
    around: {
      readonly rpc: Rpc;
      readonly nodes: Nodes;
      readonly intake: Intake;
      readonly admission: Admission;
      readonly leases: HeldLeases;
      readonly releases: Releases;
    },
  ) {
    this.#runtime = runtime;
    this.#types = types;
    this.#rpc = around.rpc;
    this.#nodes = around.nodes;
    this.#intake = around.intake;
    this.#admission = around.admission;
    this.leases = around.leases;
    this.releases = around.releases;
  }

  /** Actors that are up, coming up or going down here. */
  get activations(): readonly Activation[] {
    return [...this.#active.values()];
  }

  activation(actor: ActorKey): Activation | undefined {
    return this.#active.get(actor);
  }

  /** Whether there are such actors on this node. */
  serves(actor: ActorRef): boolean {
    return this.#types.has(actor.namespace);
  }

  /**
   * Answers calls that this node cannot see to an end as it stops: those that another node has been asked to serve, or with `all` every one
   * that is open. Whoever hears it is told that the call may take effect all the same. Returns how many they were.
   */
  abandon(which: 'forwarded' | 'all'): number {
    let abandoned = 0;
    for (const route of [...this.#open]) {
      if (which === 'forwarded' && !route.forwarded) continue;
      route.abandon();
      abandoned += 1;
    }
    return abandoned;
  }

  /** Activates an actor that nobody has called here, unless it is up. Undefined when the node stops. Errors: none, the activation tells. */
  bringUp(actor: ActorRef, handover?: Handover): Activation | undefined {
    const up = this.#active.get(actor.key);
    const type = this.#types.get(actor.namespace);
    if (up !== undefined || type === undefined || this.#intake.closed) return up;
    this.#routes.delete(actor.key);
    const activation = new Activation(this.#runtime, this, type, actor, handover);
    this.#active.set(actor.key, activation);
    void this.#start(activation);
    return activation;
  }

  /** Serves a call, here or elsewhere. Never rejects. */
  async dispatch(call: Call): Promise<Answer> {
    const entered = this.#enter(call);
    if (typeof entered !== 'number') {
      this.#runtime.teller.count('requests.refused');
      this.#runtime.teller.tell({ type: 'request.refuse', actor: call.actor.key, request: call.request, code: entered.code });
      return failure(entered);
    }
    const { teller } = this.#runtime;
    teller.count('pending');
    const limit = this.#runtime.config.pendingPerActor;
    teller.tell({ type: 'request.accept', actor: call.actor.key, request: call.request, pending: entered, limit });
    const answer = await new Promise<Answer>((settle) => void this.#route(call, settle));
    teller.count('pending', -1);
    teller.tell({
      type: 'request.answer',
      actor: call.actor.key,
      request: call.request,
      outcome: answer.ok ? 'ok' : answer.error.code,
    });
    this.#admission.leave(call.actor.key);
    this.#intake.leave(call.chain.length);
    return answer;
  }

  /** The number of calls that wait for the actor, or why this one is not accepted. */
  #enter(call: Call): number | KelpieErrorData {
    const { actor } = call;
    if (!this.#types.has(actor.namespace)) {
      return { code: 'not-found', message: `there are no actors in namespace ${actor.namespace} on node ${this.#runtime.node}` };
    }
    if (call.chain.includes(actor.key)) {
      return {
        code: 'reentrant',
        message: `${[...call.chain, actor.key].join(' -> ')}: ${actor.key} waits in this chain of calls`,
        chain: call.chain,
      };
    }
    const depth = call.chain.length;
    const entered = this.#intake.enter(depth);
    if (entered === 'closed') return shuttingDown(this.#runtime.node).toData();
    if (entered === 'full') return { code: 'overloaded', message: `node ${this.#runtime.node} holds as many calls as it may` };
    const pending = this.#admission.enter(actor.key);
    if (pending !== undefined) return pending;
    this.#intake.leave(depth);
    return { code: 'overloaded', message: `${this.#runtime.config.pendingPerActor} calls wait for ${actor.key} already` };
  }

  /** Finds somebody who serves the call, and settles it exactly once. */
  async #route(accepted: Call, settled: (answer: Answer) => void): Promise<void> {
    const { config, platform, parts } = this.#runtime;
    let call = accepted;
    let open = true;
    let unsure = false;
    let again = 0;
    let failed = 0;
    let sameNode: NodeId | undefined;
    const route: OpenRoute = {
      forwarded: false,
      abandon: () => {
        unsure = true;
        settle(failure(shuttingDown(this.#runtime.node).toData()));
      },
    };
    this.#open.add(route);
    const settle = (answer: Answer): void => {
      if (!open) return;
      open = false;
      this.#open.delete(route);
      settled(answer.ok || !unsure ? answer : failure({ ...answer.error, unsure: true }));
    };
    const fail = (code: KelpieErrorCode, message: string): void => settle(failure({ code, message }));
    const mayHaveRun = (): void => {
      unsure = true;
      call = { ...call, mayRepeat: true };
    };
    while (open) {
      if (platform.clock.monotonicMicros() >= call.deadlineMicros) {
        return fail('timeout', `${call.operation} of ${call.actor.key} found nobody to serve it in time`);
      }
      const delivery: Delivery = sameNode === undefined ? await this.#deliver(call) : { kind: 'elsewhere', node: sameNode, place: false };
      // An answer to an earlier forward may have come meanwhile.
      if (!open) return;
      switch (delivery.kind) {
        case 'answer':
          return settle(delivery.answer);
        case 'again':
          if (delivery.called) {
            // The code runs anew, and what it called before may still be on its way: as if another node had begun it.
            mayHaveRun();
          }
          if (this.#intake.closed) return settle(failure(shuttingDown(this.#runtime.node).toData()));
          again += 1;
          if (again < AGAIN_MAX) continue;
          return fail('actor-deactivated', `${call.actor.key} was deactivated ${again} times before it served the call`);
        case 'elsewhere': {
          if (call.hops >= config.hops) {
            return fail('not-owner', `${call.actor.key} is on ${delivery.node}, and the call has made ${call.hops} hops`);
          }
          route.forwarded = true;
          const forwarded = await this.#forward(call, delivery.node, delivery.place, settle);
          route.forwarded = false;
          if (!open) return;
          if (typeof forwarded === 'object') return settle(forwarded);
          if (forwarded === 'timeout') {
            // It may be running there still, or have run.
            mayHaveRun();
          }
          failed += 1;
          const next = parts.afterFailedForward({ actor: call.actor.key, to: delivery.node, why: forwarded, failed });
          if (next === 'same-node') {
            sameNode = delivery.node;
            continue;
          }
          sameNode = undefined;
          this.#routes.delete(call.actor.key);
          if (next === 'look-again') continue;
          return fail('node-unavailable', `${delivery.node}, which holds ${call.actor.key}, does not answer`);
        }
      }
    }
  }

  /** Hands the call to the actor here, or finds out where it is. */
  async #deliver(call: Call): Promise<Delivery> {
    const { key } = call.actor;
    let activation = this.#active.get(key);
    if (activation === undefined) {
      const route = this.#routes.get(key);
      // A call that was forwarded here was sent by a route already: only the registry can say more.
      const believed = route !== undefined && call.hops === 0 && !chooses(this.#runtime.platform, 'dispatch/forget-route');
      if (believed) return { kind: 'elsewhere', node: route, place: false };
      if (this.#intake.closed) return AGAIN;
      const type = this.#types.get(call.actor.namespace);
      if (type === undefined) throw new Error(`namespace ${call.actor.namespace} was accepted and is unknown`);
      activation = new Activation(this.#runtime, this, type, call.actor);
      this.#active.set(key, activation);
      const delivered = activation.deliver(call);
      void this.#start(activation);
      return this.#noteRoute(key, await delivered);
    }
    return this.#noteRoute(key, await activation.deliver(call));
  }

  async #start(activation: Activation): Promise<void> {
    const { config, platform } = this.#runtime;
    if (config.placement !== 'affinity' || chooses(platform, 'nodes/read-again')) await this.#nodes.refresh();
    await activation.start();
  }

  #noteRoute(actor: ActorKey, delivery: Delivery): Delivery {
    if (delivery.kind !== 'elsewhere' || delivery.place) return delivery;
    this.#routes.set(actor, delivery.node);
    return delivery;
  }

  /**
   * Sends the call to a node and waits a while for its answer. One that comes later is given to `late`, when it is the outcome of the
   * request for good: a slow node must not make its callers start over for ever.
   */
  #forward(call: Call, to: NodeId, place: boolean, late: (answer: Answer) => void): Promise<Answer | FailedForward['why']> {
    const { config, platform, teller, deadlines } = this.#runtime;
    const at = { actor: call.actor.key, request: call.request, to } as const;
    const hops = call.hops + 1;
    const now = platform.clock.monotonicMicros();
    const left = Math.max(1, call.deadlineMicros - now);
    teller.count('forwards');
    teller.tell({ type: 'forward', ...at, hops, place });
    return new Promise((resolve) => {
      const failed = (why: FailedForward['why']): void => {
        teller.count('forwards.failed');
        teller.tell({ type: 'forward.fail', ...at, why });
        resolve(why);
      };
      let waiting = true;
      const patience = deadlines.at(now + Math.min(config.forwardMicros, left), () => {
        waiting = false;
        this.#nodes.suspect(to);
        failed('timeout');
      });
      const answered = (reply: Reply): void => {
        patience.clear();
        if (reply.kind !== 'reply') {
          this.#nodes.suspect(to);
          if (waiting) failed(reply.kind);
          return;
        }
        this.#nodes.trust(to);
        const answer = decodeAnswer(reply.body);
        // A node that stops gives its actors back soon: the next call asks the registry.
        if (!answer.ok && answer.error.code === 'shutting-down') this.#routes.delete(call.actor.key);
        if (!waiting) {
          if (answer.ok && answer.durable) late(answer);
        } else if (!answer.ok && answer.error.code === 'not-owner' && answer.error.unsure !== true) failed('not-owner');
        else resolve(answer);
      };
      const waitMicros = Math.min(RPC_MICROS_MAX, Math.max(left, config.forwardMicros));
      void this.#rpc.request(to, INVOKE, encodeCall({ ...call, hops, place }, left), waitMicros).then(answered);
    });
  }

  /** A call of an actor here: tried again while that can help and its time has not come. */
  async #callOut(outgoing: OutgoingCall): Promise<Json> {
    const { platform } = this.#runtime;
    let unsure = false;
    for (let tries = 1; ; tries++) {
      const answer = await this.dispatch({
        actor: outgoing.target,
        request: outgoing.request,
        operation: outgoing.operation,
        payload: outgoing.payload,
        chain: outgoing.chain,
        hops: 0,
        deadlineMicros: outgoing.deadlineMicros,
        mayRepeat: outgoing.mayRepeat || tries > 1,
        place: false,
      });
      if (answer.ok) return answer.result;
      const { error } = answer;
      unsure ||= error.unsure === true;
      const pause = pauseMicros(tries, platform.random);
      if (!isRetriable(error.code) || this.#intake.closed || platform.clock.monotonicMicros() + pause >= outgoing.deadlineMicros) {
        throw KelpieError.fromData(unsure ? { ...error, unsure } : error);
      }
      await platform.clock.sleep(pause);
    }
  }

  claimName(): string {
    this.#claims += 1;
    return `${this.#runtime.node}.${this.#runtime.life}.${this.#claims}`;
  }

  choose(actor: ActorRef): NodeId {
    const elsewhere = chooses(this.#runtime.platform, 'dispatch/elsewhere') ? this.#nodes.fallback(actor) : undefined;
    if (elsewhere !== undefined) return elsewhere;
    return this.#runtime.config.placement === 'affinity' ? this.#runtime.node : this.#nodes.choose(actor);
  }

  fallback(actor: ActorRef): Promise<NodeId | undefined> {
    return this.#nodes.refresh().then(() => this.#nodes.fallback(actor));
  }

  gone(activation: Activation): void {
    if (this.#active.get(activation.actor.key) === activation) this.#active.delete(activation.actor.key);
  }
}

export const shuttingDown = (node: NodeId): KelpieError =>
  new KelpieError('shutting-down', `node ${node} is shutting down; ask another one`);
