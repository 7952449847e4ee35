/**
 * One actor on this node, from its claim to its release. Calls wait in its mailbox and run one at a time. Whatever ends the
 * activation early (a lost lease, a commit that cannot be resolved) lets the calls that have done nothing be dispatched again.
 */
import type { Micros, NodeId } from '../ports.js';
import type { Actor, ActorType } from './actor.js';
import { AGAIN, type Answer, type Call, type Delivery, failure } from './call.js';
import { chooses, mayWait } from './choices.js';
import type { Deadline } from './deadlines.js';
import { KelpieError } from './errors.js';
import { Executor, type Task } from './execution.js';
import type { ActorRef, RequestId } from './ids.js';
import type { MakeCall } from './invocation.js';
import { ActorKeys } from './keys.js';
import { type HeldLeases, type LeaseEnd, mayServe } from './leases.js';
import type { ActorMemory } from './memory.js';
import type { ClaimResult, HeldClaim } from './registry.js';
import type { Releases } from './releases.js';
import type { Runtime } from './runtime.js';

export type ActivationPhase = 'activating' | 'active' | 'deactivating' | 'gone';
export type DeactivationReason = 'idle' | 'shutdown' | 'asked' | 'migration';

/** What an activation needs of the node around it. */
export interface ActivationHost {
  readonly leases: HeldLeases;
  readonly releases: Releases;
  readonly makeCall: MakeCall;
  /** A name that no other claim of this life has. */
  claimName(): string;
  /** Which node the actor should be on, when it is nowhere. */
  choose(actor: ActorRef): NodeId;
  /** Another node for an actor that finds no room on this one; undefined when none is known. */
  fallback(actor: ActorRef): Promise<NodeId | undefined>;
  /** The activation is over; a new one may begin. */
  gone(activation: Activation): void;
}

/** What the deactivation of the assembly may use. */
export interface DeactivationAccess {
  readonly runtime: Runtime;
  readonly held: HeldClaim;
  readonly memory: ActorMemory;
  /** Runs `onDeactivate` as an invocation, buffered, committed and fenced like any other. */
  runHook(): Promise<'committed' | 'clean' | 'failed'>;
}

/** Makes durable what deactivation changes. Nothing else is written: what an earlier invocation failed to commit stays undone. */
export type SaveOnDeactivate = (access: DeactivationAccess) => Promise<'committed' | 'clean' | 'failed'>;

export const saveOnDeactivate: SaveOnDeactivate = (access) => access.runHook();

/** Gives back the claim of an activation that failed. */
export type GiveBack = (host: ActivationHost, held: HeldClaim) => void;

export const giveBack: GiveBack = (host, held) => {
  host.leases.remove(held);
  void host.releases.give(held);
};

/** A claim that another node has written for this one when it passed the actor on. */
export interface Handover {
  readonly claim: string;
  /** On the clock of the lease term, from before it was written. */
  readonly startMicros: Micros;
  /** How many commits the actor had had when its source stopped. */
  readonly stateVersion: number;
}

interface Joined {
  readonly call: Call;
  readonly settle: (delivery: Delivery) => void;
}

interface Pending {
  readonly call: Call;
  readonly settle: (delivery: Delivery) => void;
  /** The same request, come again while this one is under way. */
  readonly joined: Joined[];
  deadline: Deadline | undefined;
  settled: boolean;
}

export class Activation {
  readonly actor: ActorRef;
  readonly keys: ActorKeys;
  readonly #runtime: Runtime;
  readonly #host: ActivationHost;
  readonly #type: ActorType;
  readonly #handover: Handover | undefined;
  readonly #queue: Pending[] = [];
  readonly #underWay = new Map<RequestId, Pending>();
  #phase: ActivationPhase = 'activating';
  /** Another node has chosen this one for the actor already. */
  #chosen = false;
  #held: HeldClaim | undefined;
  #instance: Actor<unknown> | undefined;
  #executor: Executor | undefined;
  #serving: Pending | undefined;
  /** The claim, once `retire` has done with the actor. */
  #retired: HeldClaim | undefined;
  /** What calls get that came too late to be served. */
  #farewell: Delivery = AGAIN;
  #working = false;
  #lastUsedMicros = 0;
  #idle: Deadline | undefined;
  /** How long nobody calls the actor before it is deactivated. */
  #idleMicros: Micros = 0;
  readonly #waiters: (() => void)[] = [];

  constructor(runtime: Runtime, host: ActivationHost, type: ActorType, actor: ActorRef, handover?: Handover) {
    this.#runtime = runtime;
    this.#host = host;
    this.#type = type;
    this.#handover = handover;
    this.actor = actor;
    this.keys = new ActorKeys(actor.key);
  }

  get phase(): ActivationPhase {
    return this.#phase;
  }

  /** The fencing token of its claim, 0 when it has none yet. */
  get token(): number {
    return this.#held?.token ?? 0;
  }

  /** How many commits the actor has had, 0 when it is not loaded yet. */
  get stateVersion(): number {
    return this.#executor?.stateVersion ?? 0;
  }

  /** Resolves when the actor has come up, with true, or has ended before, with false. */
  async whenUp(): Promise<boolean> {
    while (this.#phase === 'activating') await this.#change();
    return !this.#over;
  }

  /** Resolves when the activation is over. */
  async whenGone(): Promise<void> {
    while (!this.#over) await this.#change();
  }

  /** Puts a call into the mailbox. Resolves with what became of it; never rejects. */
  deliver(call: Call): Promise<Delivery> {
    if (this.#over) return Promise.resolve(AGAIN);
    const same = this.#underWay.get(call.request);
    if (same !== undefined) {
      this.#runtime.teller.count('requests.duplicate');
      this.#runtime.teller.tell({ type: 'request.duplicate', actor: this.actor.key, request: call.request, how: 'joined' });
      return new Promise((settle) => same.joined.push({ call, settle }));
    }
    if (call.place) this.#chosen = true;
    if (this.#phase === 'deactivating') return this.#waitUntilGone(call);
    return new Promise((settle) => {
      const pending: Pending = { call, settle, joined: [], deadline: undefined, settled: false };
      pending.deadline = this.#runtime.deadlines.at(call.deadlineMicros, () => this.#timeOut(pending));
      this.#underWay.set(call.request, pending);
      this.#queue.push(pending);
      this.#idle?.clear();
      this.#work();
    });
  }

  /** A call that came too late waits for the end of the activation, but not beyond its own deadline. */
  #waitUntilGone(call: Call): Promise<Delivery> {
    return new Promise((settle) => {
      const deadline = this.#runtime.deadlines.at(call.deadlineMicros, () => settle(AGAIN));
      void this.whenGone().then(() => {
        deadline.clear();
        settle(this.#farewell);
      });
    });
  }

  /** Claims, loads and starts the actor, then serves its mailbox. Never rejects. */
  async start(): Promise<void> {
    const { teller } = this.#runtime;
    const actor = this.actor.key;
    const claim = this.#handover?.claim ?? this.#host.claimName();
    const startMicros = this.#handover?.startMicros;
    teller.tell({ type: 'activate.start', actor });
    let result: ClaimResult;
    try {
      const request = { actor: this.actor, keys: this.keys, claim, startMicros, choose: () => this.#choose() };
      result = await this.#runtime.registryLane.run(() => this.#runtime.parts.claim(this.#runtime, request));
    } catch (error) {
      // It may have happened all the same: giving it back finds out, and stops it where it is still on its way.
      void this.#host.releases.give({ actor: this.actor, keys: this.keys, claim });
      teller.tell({ type: 'claim.lost', actor, claim, why: 'failed', owner: null });
      this.#failActivation(KelpieError.from(error));
      return;
    }
    if (result.kind !== 'held') {
      teller.count('claims.lost');
      const owner = result.kind === 'existing' ? result.owner : result.kind === 'elsewhere' ? result.node : null;
      teller.tell({ type: 'claim.lost', actor, claim, why: result.kind, owner });
      const fallback = owner === null && !this.#chosen ? await this.#host.fallback(this.actor) : undefined;
      const node = owner ?? fallback;
      if (node !== undefined) this.#end({ kind: 'elsewhere', node, place: result.kind !== 'existing' });
      else this.#failActivation(new KelpieError('overloaded', `node ${this.#runtime.node} holds as many actors as it may`));
      return;
    }
    this.#held = result.held;
    this.#host.leases.add(result.held, (why) => this.#drop(why));
    try {
      await mayWait(this.#runtime.platform, 'activation/wait');
      await this.#load(result.held);
    } catch (error) {
      if (this.#over) return;
      this.#runtime.parts.giveBack(this.#host, result.held);
      this.#failActivation(KelpieError.from(error));
    }
  }

  /** Serves what is in the mailbox, runs `onDeactivate`, and gives the claim back. Resolves when the activation is over. */
  async deactivate(reason: DeactivationReason): Promise<void> {
    const held = await this.retire(reason);
    if (held === undefined) return this.whenGone();
    this.#host.leases.remove(held);
    void this.#host.releases.give(held);
    this.#end(AGAIN);
  }

  /**
   * Serves what is in the mailbox and runs `onDeactivate`, but keeps the claim and its lease, for a migration to pass on. Calls that
   * come from then on wait until `deactivate` has given the claim back, or `moved` has told where the actor is. Undefined when the
   * activation has ended otherwise, or somebody else ends it.
   */
  async retire(reason: DeactivationReason): Promise<HeldClaim | undefined> {
    // An actor that is just coming up is let up first: half an activation cannot be taken back in order.
    while (this.#phase === 'activating') await this.#change();
    if (this.#phase === 'deactivating') return this.#retired;
    if (this.#phase !== 'active') return undefined;
    this.#phase = 'deactivating';
    this.#idle?.clear();
    const { teller } = this.#runtime;
    const held = this.#mustHold();
    const pending = this.#underWay.size;
    const idleMicros = reason === 'idle' ? this.#idleMicros : null;
    teller.tell({ type: 'deactivate.start', actor: this.actor.key, token: held.token, reason, pending, idleMicros });
    while (this.#working) await this.#change();
    if (this.#over) return undefined;
    const outcome = await this.#runtime.parts.deactivate({
      runtime: this.#runtime,
      held,
      memory: this.#mustExecute().memory,
      runHook: () => this.#runDeactivateHook(held),
    });
    if (this.#over) return undefined;
    teller.count('deactivations');
    teller.tell({ type: 'deactivate.done', actor: this.actor.key, token: held.token, outcome });
    this.#retired = held;
    return held;
  }

  /** The claim is not passed on after all: calls that wait are dispatched again. After `retire`. The claim is not given back. */
  resume(): void {
    if (this.#over || this.#retired === undefined) return;
    this.#host.leases.remove(this.#retired);
    this.#end(AGAIN);
  }

  /** The claim has been passed on to this node: calls that wait are sent there. After `retire`. */
  moved(to: NodeId): void {
    if (this.#over || this.#retired === undefined) return;
    this.#host.leases.remove(this.#retired);
    this.#end({ kind: 'elsewhere', node: to, place: false });
  }

  /** Answers what waits without running it, and stops what runs unless it is committing. Returns how many calls that were. */
  abandon(answer: Answer): number {
    const waiting = this.#queue.splice(0);
    for (const pending of waiting) this.#settle(pending, { kind: 'answer', answer });
    return waiting.length + (this.#executor?.stop('ended') === true ? 1 : 0);
  }

  #choose(): NodeId {
    return this.#chosen ? this.#runtime.node : this.#host.choose(this.actor);
  }

  get #over(): boolean {
    return this.#phase === 'gone';
  }

  #mustHold(): HeldClaim {
    if (this.#held === undefined) throw new Error(`${this.actor.key} is ${this.#phase} without a claim`);
    return this.#held;
  }

  #mustExecute(): Executor {
    if (this.#executor === undefined) throw new Error(`${this.actor.key} is ${this.#phase} without its state`);
    return this.#executor;
  }

  async #load(held: HeldClaim): Promise<void> {
    const { parts, teller, platform } = this.#runtime;
    const loaded = await parts.load(this.#runtime, held);
    if (this.#over) return;
    teller.tell({
      type: 'activate.load',
      actor: this.actor.key,
      token: held.token,
      stateVersion: loaded.head.version,
      state: loaded.checksum,
    });
    const { stateVersion = 0 } = this.#handover ?? {};
    if (loaded.head.version < stateVersion) {
      const found = `has ${loaded.head.version} commits in the store, its source had made ${stateVersion}`;
      throw new KelpieError('corrupted', `head of ${this.actor.key}: ${found}; it was left as it is`);
    }
    const instance = this.#type.create(this.actor);
    this.#instance = instance;
    const executor = new Executor(this.#runtime, {
      held,
      instance,
      loaded,
      leases: this.#host.leases,
      makeCall: this.#host.makeCall,
      unresolved: () => this.#drop('commit-unknown'),
    });
    this.#executor = executor;
    const onActivate = instance.onActivate?.bind(instance);
    if (onActivate !== undefined) {
      const done = await executor.execute(this.#hook('onActivate', `${held.claim}.a`, onActivate));
      if (done.kind === 'failed') throw done.error;
      // Its lease may have run out while the hook was committing.
      if (done.kind === 'ended' || this.#over) return;
    }
    if (!mayServe(this.#runtime, held)) {
      // The node has slept meanwhile, and the timer that ends the lease has not had its turn yet.
      this.#host.leases.expire(held);
      return;
    }
    this.#phase = 'active';
    this.#lastUsedMicros = platform.clock.monotonicMicros();
    teller.count('activations');
    teller.tell({ type: 'activate.done', actor: this.actor.key, token: held.token, stateVersion: executor.stateVersion });
    this.#wake();
    if (this.#queue.length === 0) this.#watchIdle();
    else this.#work();
  }

  #hook(operation: string, callPrefix: string, code: Task['code']): Task {
    const { config, platform } = this.#runtime;
    return { call: null, operation, callPrefix, deadlineMicros: platform.clock.monotonicMicros() + config.invocationMicros, code };
  }

  async #runDeactivateHook(held: HeldClaim): Promise<'committed' | 'clean' | 'failed'> {
    const instance = this.#instance;
    const onDeactivate = instance?.onDeactivate?.bind(instance);
    if (onDeactivate === undefined) return 'clean';
    const done = await this.#mustExecute().execute(this.#hook('onDeactivate', `${held.claim}.d`, onDeactivate));
    if (done.kind !== 'done') return 'failed';
    return done.commit === null ? 'clean' : 'committed';
  }

  /** Starts serving the mailbox unless it is being served. */
  #work(): void {
    if (this.#working || this.#queue.length === 0 || (this.#phase !== 'active' && this.#phase !== 'deactivating')) return;
    this.#working = true;
    void this.#serveMailbox();
  }

  async #serveMailbox(): Promise<void> {
    for (;;) {
      const pending = this.#queue.shift();
      if (pending === undefined || this.#over) break;
      if (pending.settled) continue;
      this.#serving = pending;
      await this.#serve(pending);
      this.#serving = undefined;
    }
    this.#working = false;
    this.#lastUsedMicros = this.#runtime.platform.clock.monotonicMicros();
    this.#watchIdle();
    this.#wake();
  }

  #watchIdle(): void {
    if (this.#phase !== 'active') return;
    const { config, platform } = this.#runtime;
    this.#idleMicros = chooses(platform, 'actor/idle-now') ? 1 : (this.#type.idleMicros ?? config.idleMicros);
    this.#idle?.clear();
    this.#idle = this.#runtime.deadlines.at(this.#lastUsedMicros + this.#idleMicros, () => {
      if (this.#phase === 'active' && !this.#working) void this.deactivate('idle');
    });
  }

  async #serve(pending: Pending): Promise<void> {
    const { call } = pending;
    const instance = this.#instance;
    if (instance === undefined) throw new Error(`${this.actor.key} serves without its code`);
    const done = await this.#mustExecute().execute({
      call,
      operation: call.operation,
      callPrefix: call.request,
      deadlineMicros: call.deadlineMicros,
      code: (ctx) => instance.invoke(ctx, call.operation, call.payload),
    });
    switch (done.kind) {
      case 'done':
        return this.#settle(pending, { kind: 'answer', answer: { ok: true, result: done.result, durable: done.durable } });
      case 'failed':
        return this.#settle(pending, { kind: 'answer', answer: failure(done.error.toData()) });
      case 'ended':
        return this.#settle(pending, { kind: 'again', called: done.called });
    }
  }

  #timeOut(pending: Pending): void {
    if (pending.settled) return;
    if (this.#serving === pending) {
      // A commit under way decides the answer itself, and between two tries the next one looks at the deadline.
      this.#executor?.stop('timeout');
      return;
    }
    const message = `${pending.call.operation} of ${this.actor.key} waited in its mailbox until its deadline`;
    this.#settle(pending, { kind: 'answer', answer: failure({ code: 'timeout', message }) });
  }

  #failActivation(error: KelpieError): void {
    this.#runtime.teller.count('activations.failed');
    this.#runtime.teller.tell({ type: 'activate.fail', actor: this.actor.key, code: error.code });
    this.#end({ kind: 'answer', answer: failure(error.toData()) });
  }

  /** Ends the activation at once. */
  #drop(why: LeaseEnd | 'commit-unknown'): void {
    if (this.#over) return;
    const held = this.#held;
    if (held !== undefined) {
      this.#host.leases.remove(held);
      this.#runtime.teller.tell({ type: 'activate.drop', actor: this.actor.key, token: held.token, reason: why });
      if (why !== 'lease-lost') void this.#host.releases.give(held);
    }
    this.#end(AGAIN);
  }

  /** The activation is over; every call that waits gets this. */
  #end(delivery: Delivery): void {
    this.#phase = 'gone';
    this.#farewell = delivery;
    this.#idle?.clear();
    this.#executor?.end();
    this.#host.gone(this);
    for (const pending of this.#queue.splice(0)) this.#settle(pending, delivery);
    this.#wake();
  }

  #settle(pending: Pending, delivery: Delivery): void {
    if (pending.settled) return;
    pending.settled = true;
    pending.deadline?.clear();
    if (this.#underWay.get(pending.call.request) === pending) this.#underWay.delete(pending.call.request);
    pending.settle(delivery);
    for (const { call, settle } of pending.joined) settle(mayShare(pending.call, call, delivery) ? delivery : AGAIN);
  }

  /** Resolves when the phase has changed or the mailbox is empty. */
  #change(): Promise<void> {
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  #wake(): void {
    for (const resolve of this.#waiters.splice(0)) resolve();
  }
}

/**
 * Whether a repetition may have the answer of the attempt that it joined. That one may have run without looking for an outcome that a
 * third attempt had left: its answer is good for itself alone, unless it is stored.
 */
const mayShare = (served: Call, joined: Call, delivery: Delivery): boolean =>
  served.mayRepeat || !joined.mayRepeat || delivery.kind !== 'answer' || (delivery.answer.ok && delivery.answer.durable);
