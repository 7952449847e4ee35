/**
 * One actor on this node, from its claim to its release. Calls wait in its mailbox and run one at a time. Whatever ends the
 * activation early (a lost lease, a commit that cannot be resolved) lets the calls that have done nothing be dispatched again.
 */
import type { Micros, NodeId } from '../ports.js';
import { DatabaseError } from '../ports.js';
import type { Actor, ActorContext, ActorType } from './actor.js';
import { AGAIN, type Answer, type Call, type Delivery, failure } from './call.js';
import { type CommitPlan, nextHead } from './commit.js';
import type { Deadline } from './deadlines.js';
import { KelpieError } from './errors.js';
import { type ActorRef, commitId, type RequestId } from './ids.js';
import { Invocation, type MakeCall, type RunResult } from './invocation.js';
import { checkTextBytes, type Json, toJsonText, utf8 } from './json.js';
import { ActorKeys } from './keys.js';
import type { HeldLeases, LeaseEnd } from './leases.js';
import { mayServe } from './leases.js';
import { CONFLICT_TRIES_MAX, MESSAGE_BYTES_MAX } from './limits.js';
import { ActorMemory, parseOutcome, sealState } from './memory.js';
import { EMPTY_HEAD, type Head } from './records.js';
import type { ClaimResult, HeldClaim } from './registry.js';
import type { Releases } from './releases.js';
import type { Runtime } from './runtime.js';
import { type Sealed, seal } from './sealed.js';

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

interface Pending {
  readonly call: Call;
  readonly settle: (delivery: Delivery) => void;
  /** The same request, come again while this one is under way. */
  readonly joined: ((delivery: Delivery) => void)[];
  deadline: Deadline | undefined;
  settled: boolean;
}

/** How an execution of the actor's code ended, after its commit. */
type Execution =
  | { readonly kind: 'done'; readonly result: Json; readonly commit: string | null }
  | { readonly kind: 'failed'; readonly error: KelpieError }
  /** The activation ended; nothing was written. */
  | { readonly kind: 'ended' };

interface Task {
  readonly call: Call | null;
  readonly operation: string;
  readonly callPrefix: string;
  readonly deadlineMicros: Micros;
  readonly code: (ctx: ActorContext<unknown>) => unknown;
}

export class Activation {
  readonly actor: ActorRef;
  readonly keys: ActorKeys;
  readonly #runtime: Runtime;
  readonly #host: ActivationHost;
  readonly #type: ActorType;
  readonly #queue: Pending[] = [];
  readonly #underWay = new Map<RequestId, Pending>();
  readonly #callsOpen = { count: 0 };
  #phase: ActivationPhase = 'activating';
  /** Another node has chosen this one for the actor already. */
  #chosen = false;
  #held: HeldClaim | undefined;
  #instance: Actor<unknown> | undefined;
  #memory: ActorMemory | undefined;
  #head: Head = EMPTY_HEAD;
  #sequence = 0;
  #running: Invocation | undefined;
  #serving: Pending | undefined;
  #committing = false;
  #working = false;
  #lastUsedMicros = 0;
  #lastCommitMicros = 0;
  #idle: Deadline | undefined;
  readonly #waiters: (() => void)[] = [];

  constructor(runtime: Runtime, host: ActivationHost, type: ActorType, actor: ActorRef) {
    this.#runtime = runtime;
    this.#host = host;
    this.#type = type;
    this.actor = actor;
    this.keys = new ActorKeys(actor.key);
  }

  get phase(): ActivationPhase {
    return this.#phase;
  }

  /** Resolves when the activation is over. */
  async whenGone(): Promise<void> {
    while (!this.#over) await this.#change();
  }

  /** Puts a call into the mailbox. Resolves with what became of it; never rejects. */
  deliver(call: Call): Promise<Delivery> {
    if (this.#phase === 'gone') return Promise.resolve(AGAIN);
    const same = this.#underWay.get(call.request);
    if (same !== undefined) {
      this.#runtime.teller.count('requests.duplicate');
      this.#runtime.teller.tell({ type: 'request.duplicate', actor: this.actor.key, request: call.request, how: 'joined' });
      return new Promise((settle) => same.joined.push(settle));
    }
    if (call.place) this.#chosen = true;
    if (this.#phase === 'deactivating') return this.whenGone().then(() => AGAIN);
    return new Promise((settle) => {
      const pending: Pending = { call, settle, joined: [], deadline: undefined, settled: false };
      pending.deadline = this.#runtime.deadlines.at(call.deadlineMicros, () => this.#timeOut(pending));
      this.#underWay.set(call.request, pending);
      this.#queue.push(pending);
      this.#idle?.clear();
      this.#work();
    });
  }

  /** Claims, loads and starts the actor, then serves its mailbox. Never rejects. */
  async start(): Promise<void> {
    const { teller } = this.#runtime;
    const actor = this.actor.key;
    const claim = this.#host.claimName();
    teller.tell({ type: 'activate.start', actor });
    let result: ClaimResult;
    try {
      const request = { actor: this.actor, keys: this.keys, claim, choose: () => this.#choose() };
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
      await this.#load(result.held);
    } catch (error) {
      if (this.#over) return;
      this.#runtime.parts.giveBack(this.#host, result.held);
      this.#failActivation(KelpieError.from(error));
    }
  }

  /** Serves what is in the mailbox, runs `onDeactivate`, and gives the claim back. Resolves when the activation is over. */
  async deactivate(reason: DeactivationReason): Promise<void> {
    // An actor that is just coming up is let up first: half an activation cannot be taken back in order.
    while (this.#phase === 'activating') await this.#change();
    if (this.#phase !== 'active') return this.whenGone();
    this.#phase = 'deactivating';
    this.#idle?.clear();
    const { teller } = this.#runtime;
    const held = this.#mustHold();
    const pending = this.#underWay.size;
    teller.tell({ type: 'deactivate.start', actor: this.actor.key, token: held.token, reason, pending });
    while (this.#working) await this.#change();
    if (this.#over) return;
    const outcome = await this.#runtime.parts.deactivate({
      runtime: this.#runtime,
      held,
      memory: this.#mustRemember(),
      runHook: () => this.#runDeactivateHook(held),
    });
    if (this.#over) return;
    teller.count('deactivations');
    teller.tell({ type: 'deactivate.done', actor: this.actor.key, token: held.token, outcome });
    this.#host.leases.remove(held);
    void this.#host.releases.give(held);
    this.#end(AGAIN);
  }

  /** Answers what waits without running it, and stops what runs unless it is committing. Returns how many calls that were. */
  abandon(answer: Answer): number {
    const waiting = this.#queue.splice(0);
    for (const pending of waiting) this.#settle(pending, { kind: 'answer', answer });
    if (this.#running === undefined || this.#committing) return waiting.length;
    this.#running.stop('ended');
    return waiting.length + 1;
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

  #mustRemember(): ActorMemory {
    if (this.#memory === undefined) throw new Error(`${this.actor.key} is ${this.#phase} without its state`);
    return this.#memory;
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
    const instance = this.#type.create(this.actor);
    this.#instance = instance;
    this.#head = loaded.head;
    this.#memory = new ActorMemory(loaded.text, () => instance.initialState());
    this.#lastCommitMicros = platform.clock.monotonicMicros();
    const onActivate = instance.onActivate?.bind(instance);
    if (onActivate !== undefined) {
      const done = await this.#execute(this.#hook('onActivate', `${held.claim}.a`, onActivate));
      if (done.kind === 'failed') throw done.error;
      if (done.kind === 'ended') return;
    }
    this.#phase = 'active';
    this.#lastUsedMicros = platform.clock.monotonicMicros();
    teller.count('activations');
    teller.tell({ type: 'activate.done', actor: this.actor.key, token: held.token, stateVersion: this.#head.version });
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
    const done = await this.#execute(this.#hook('onDeactivate', `${held.claim}.d`, onDeactivate));
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
    const idleMicros = this.#type.idleMicros ?? this.#runtime.config.idleMicros;
    this.#idle?.clear();
    this.#idle = this.#runtime.deadlines.at(this.#lastUsedMicros + idleMicros, () => {
      if (this.#phase === 'active' && !this.#working) void this.deactivate('idle');
    });
  }

  async #serve(pending: Pending): Promise<void> {
    const { call } = pending;
    const instance = this.#instance;
    if (instance === undefined) throw new Error(`${this.actor.key} serves without its code`);
    const done = await this.#execute({
      call,
      operation: call.operation,
      callPrefix: call.request,
      deadlineMicros: call.deadlineMicros,
      code: (ctx) => instance.invoke(ctx, call.operation, call.payload),
    });
    switch (done.kind) {
      case 'done':
        return this.#settle(pending, { kind: 'answer', answer: { ok: true, result: done.result } });
      case 'failed':
        return this.#settle(pending, { kind: 'answer', answer: failure(done.error.toData()) });
      case 'ended':
        return this.#settle(pending, AGAIN);
    }
  }

  /** Runs code of the actor until it has committed, failed, or conflicted too often. */
  async #execute(task: Task): Promise<Execution> {
    const held = this.#mustHold();
    const memory = this.#mustRemember();
    const { teller, platform, deadlines } = this.#runtime;
    const actor = this.actor.key;
    const request = task.call?.request ?? null;
    for (let tries = 1; ; tries++) {
      if (this.#over) return { kind: 'ended' };
      if (!mayServe(this.#runtime, held)) return this.#stopServing(held);
      if (platform.clock.monotonicMicros() >= task.deadlineMicros) return { kind: 'failed', error: this.#tooLate(task) };
      const invocation = new Invocation(this.#runtime, {
        held,
        memory,
        request,
        callPrefix: task.callPrefix,
        chain: [...(task.call?.chain ?? []), actor],
        deadlineMicros: task.deadlineMicros,
        mayRepeat: tries > 1 || (task.call?.mayRepeat ?? false),
        callsOpen: this.#callsOpen,
        makeCall: this.#host.makeCall,
      });
      this.#running = invocation;
      if (task.call?.mayRepeat === true && tries === 1) {
        const served = await this.#findOutcome(invocation, held, task.call.request);
        if (served !== undefined) return served;
        if (this.#over) return { kind: 'ended' };
      }
      teller.count('invocations');
      if (request !== null) {
        teller.tell({ type: 'invoke.start', actor, request, operation: task.operation, token: held.token, tries });
      }
      // A call has its deadline from the mailbox; a hook has none but this.
      const hookDeadline = task.call === null ? deadlines.at(task.deadlineMicros, () => invocation.stop('timeout')) : undefined;
      const ran = await invocation.run(task.code);
      hookDeadline?.clear();
      const step = await this.#conclude(task, held, memory, invocation, ran);
      this.#running = undefined;
      if (step.kind === 'conflict') {
        if (this.#over) return { kind: 'ended' };
        if (tries < CONFLICT_TRIES_MAX && (await this.#backOff(invocation, step.error))) continue;
        const failed = conflictError(this.actor, step.error, tries);
        return this.#tellEnd(request, { kind: 'failed', error: failed });
      }
      if (step.kind === 'failed') teller.count('invocations.failed');
      if (step.kind !== 'done' && !this.#over) this.#rollBack(memory, task, step.kind === 'failed' ? step.error.code : step.kind);
      return this.#tellEnd(request, step);
    }
  }

  #tellEnd(request: RequestId | null, done: Execution): Execution {
    if (request !== null) {
      this.#runtime.teller.tell({
        type: 'invoke.end',
        actor: this.actor.key,
        request,
        outcome: done.kind === 'done' ? 'ok' : done.kind === 'failed' ? done.error.code : 'ended',
        commit: done.kind === 'done' ? done.commit : null,
      });
    }
    return done;
  }

  /** The stored outcome of a request that has been served before. */
  async #findOutcome(invocation: Invocation, held: HeldClaim, request: RequestId): Promise<Execution | undefined> {
    const { parts } = this.#runtime;
    try {
      const outcome = await invocation.view.read((transaction) =>
        parts.outcomes.find(this.#runtime, transaction, held, this.#head, request),
      );
      return outcome === undefined ? undefined : this.#repeat(outcome, request);
    } catch (error) {
      return { kind: 'failed', error: KelpieError.from(error) };
    }
  }

  #repeat(outcome: Uint8Array, request: RequestId): Execution {
    this.#runtime.teller.count('requests.duplicate');
    this.#runtime.teller.tell({ type: 'request.duplicate', actor: this.actor.key, request, how: 'stored' });
    return { kind: 'done', result: parseOutcome(outcome, request) as Json, commit: null };
  }

  /** What follows from how the code ended: an answer, a commit, or another try. */
  async #conclude(
    task: Task,
    held: HeldClaim,
    memory: ActorMemory,
    invocation: Invocation,
    ran: RunResult,
  ): Promise<Execution | { readonly kind: 'conflict'; readonly error: unknown }> {
    if (ran.kind === 'stopped') {
      if (ran.why === 'ended' || this.#over) return { kind: 'ended' };
      return { kind: 'failed', error: this.#tooLate(task) };
    }
    if (this.#over) return { kind: 'ended' };
    // An answer that comes from what another owner may have changed since must not leave.
    if (!mayServe(this.#runtime, held)) return this.#stopServing(held);
    const { failure: readFailure } = invocation.view;
    if (readFailure instanceof DatabaseError) {
      this.#rollBack(memory, task, 'read failed');
      return { kind: 'conflict', error: readFailure };
    }
    if (ran.kind === 'threw') return { kind: 'failed', error: KelpieError.from(ran.error) };
    if (readFailure !== undefined) return { kind: 'failed', error: KelpieError.from(readFailure) };
    try {
      const text = toJsonText(ran.value, `the result of ${task.operation}`);
      checkTextBytes(text, MESSAGE_BYTES_MAX, `the result of ${task.operation}`);
      const changed = invocation.stateUsed ? memory.changed(this.actor.key) : 'unchanged';
      const writes = invocation.written.writes();
      if (changed === 'unchanged' && writes.entries.size === 0 && !writes.cleared) {
        return { kind: 'done', result: JSON.parse(text) as Json, commit: null };
      }
      return await this.#commit(task, held, memory, invocation, text, changed);
    } catch (error) {
      return { kind: 'failed', error: KelpieError.from(error) };
    }
  }

  async #commit(
    task: Task,
    held: HeldClaim,
    memory: ActorMemory,
    invocation: Invocation,
    result: string,
    changed: { readonly text: string | undefined } | 'unchanged',
  ): Promise<Execution | { readonly kind: 'conflict'; readonly error: unknown }> {
    const { teller, parts, platform } = this.#runtime;
    const actor = this.actor.key;
    const now = platform.clock.monotonicMicros();
    const sequence = ++this.#sequence;
    const commit = commitId(held.token, sequence);
    const state: Sealed | null | 'unchanged' =
      changed === 'unchanged' ? changed : changed.text === undefined ? null : sealState(changed.text);
    const request = task.call?.request ?? null;
    const outcome = request === null ? null : seal(utf8(result));
    const writes = invocation.written.writes();
    const chunked = this.#head.chunked || isChunked(state) || [...writes.entries.values()].some((sealed) => isChunked(sealed));
    const { after, forgetEpoch } = nextHead(this.#runtime, this.#head, held.token, sequence, now - this.#lastCommitMicros, chunked);
    const plan: CommitPlan = { held, commit, sequence, request, writes, state, outcome, before: this.#head, after, forgetEpoch };
    teller.tell({
      type: 'commit.start',
      actor,
      request,
      commit,
      token: held.token,
      stateVersion: after.version,
      reads: invocation.view.reads,
      writes: [...writes.entries.keys()],
      state: state === null || state === 'unchanged' ? null : state.checksum,
    });
    this.#committing = true;
    try {
      const committed = (version: number): Execution => {
        this.#head = after;
        this.#lastCommitMicros = now;
        if (changed !== 'unchanged') memory.committed = changed.text;
        teller.count('commits');
        teller.tell({ type: 'commit.done', actor, commit, token: held.token, stateVersion: after.version, version });
        return { kind: 'done', result: JSON.parse(result) as Json, commit };
      };
      const outcomeOf = await parts.commit(this.#runtime, invocation.view.transaction, plan);
      switch (outcomeOf.kind) {
        case 'done':
          return committed(outcomeOf.version);
        case 'fenced':
          teller.count('commits.fenced');
          teller.tell({ type: 'commit.fenced', actor, commit, token: held.token, newestToken: outcomeOf.newestToken });
          this.#rollBack(memory, task, 'fenced');
          if (outcomeOf.newestToken !== held.token) this.#host.leases.lost(held, outcomeOf.newestToken);
          return this.#stopServing(held);
        case 'duplicate':
          this.#rollBack(memory, task, 'duplicate');
          return request === null ? { kind: 'ended' } : this.#repeat(outcomeOf.outcome, request);
        case 'conflict':
          teller.count('commits.conflict');
          teller.tell({ type: 'commit.conflict', actor, commit, code: outcomeOf.error.code });
          this.#rollBack(memory, task, 'conflict');
          return { kind: 'conflict', error: outcomeOf.error };
        case 'unknown': {
          teller.count('commits.unknown');
          teller.tell({ type: 'commit.unknown', actor, commit, token: held.token, code: outcomeOf.error.code });
          const resolved = await parts.resolve(this.#runtime, plan);
          if (resolved === 'unknown') {
            this.#drop('commit-unknown');
            return {
              kind: 'failed',
              error: new KelpieError(
                'commit-unknown',
                `commit ${commit} of ${actor}: ${outcomeOf.error.message}, and it could not be found out`,
              ),
            };
          }
          teller.tell({ type: 'commit.resolved', actor, commit, token: held.token, applied: resolved === 'applied' });
          if (resolved === 'applied') return committed(-1);
          this.#rollBack(memory, task, 'commit lost');
          return { kind: 'conflict', error: outcomeOf.error };
        }
      }
    } finally {
      this.#committing = false;
    }
  }

  #rollBack(memory: ActorMemory, task: Task, reason: string): void {
    const { token } = this.#mustHold();
    this.#runtime.teller.tell({ type: 'rollback', actor: this.actor.key, token, request: task.call?.request ?? null, reason });
    this.#runtime.parts.rollback(memory);
  }

  /** Waits as the database asks before another try; false when it may not be tried again. */
  async #backOff(invocation: Invocation, error: unknown): Promise<boolean> {
    try {
      await invocation.view.transaction.onError(error);
      return true;
    } catch {
      return false;
    }
  }

  #tooLate(task: Task): KelpieError {
    return new KelpieError('timeout', `${task.operation} of ${this.actor.key} did not end in time; what it did was undone`);
  }

  /** This node may not serve the actor any more, although no timer has told so yet. */
  #stopServing(held: HeldClaim): Execution {
    this.#host.leases.expire(held);
    return { kind: 'ended' };
  }

  #timeOut(pending: Pending): void {
    if (pending.settled) return;
    if (this.#serving === pending) {
      // A commit under way decides the answer itself, and between two tries the next one looks at the deadline.
      if (!this.#committing) this.#running?.stop('timeout');
      return;
    }
    const error = new KelpieError('timeout', `${pending.call.operation} of ${this.actor.key} waited in its mailbox until its deadline`);
    this.#settle(pending, { kind: 'answer', answer: failure(error.toData()) });
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
    if (!this.#committing) this.#running?.stop('ended');
  }

  /** The activation is over; every call that waits gets this. */
  #end(delivery: Delivery): void {
    this.#phase = 'gone';
    this.#idle?.clear();
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
    for (const settle of pending.joined) settle(delivery);
  }

  /** Resolves when the phase has changed or the mailbox is empty. */
  #change(): Promise<void> {
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  #wake(): void {
    for (const resolve of this.#waiters.splice(0)) resolve();
  }
}

const isChunked = (sealed: Sealed | null | 'unchanged'): boolean => sealed !== null && sealed !== 'unchanged' && sealed.chunks.length > 0;

function conflictError(actor: ActorRef, error: unknown, tries: number): KelpieError {
  const code = error instanceof DatabaseError && error.retryable ? 'transaction-conflict' : 'store-unavailable';
  const text = error instanceof Error ? error.message : String(error);
  return new KelpieError(code, `${actor.key} could not commit in ${tries} tries, nothing was written: ${text}`, { cause: error });
}
