/**
 * The code of an active actor at work: each task runs from the snapshot, then commits, or is undone; after a conflict it runs again.
 * Nothing here knows of mailboxes; the activation sees to it that one task runs at a time.
 */
import type { Micros } from '../ports.js';
import { DatabaseError, databaseErrorCode } from '../ports.js';
import type { Actor, ActorContext } from './actor.js';
import type { Call } from './call.js';
import { chooses, mayWait } from './choices.js';
import { type CommitPlan, type CommitResult, nextHead } from './commit.js';
import { KelpieError } from './errors.js';
import { type ActorRef, commitId, type RequestId } from './ids.js';
import { Invocation, type MakeCall, type RunResult, type StopReason } from './invocation.js';
import { checkTextBytes, type Json, toJsonText, utf8 } from './json.js';
import { type HeldLeases, mayServe, servesFor } from './leases.js';
import { CONFLICT_TRIES_MAX, MESSAGE_BYTES_MAX } from './limits.js';
import { ActorMemory, type LoadedActor, parseOutcome, sealState } from './memory.js';
import type { Head } from './records.js';
import type { HeldClaim } from './registry.js';
import type { Runtime } from './runtime.js';
import { type Sealed, seal } from './sealed.js';
import { inTransaction } from './store.js';

/** How a task ended, after its commit. */
export type Execution =
  /** `commit` is null when nothing was written. `durable`: the outcome is stored with the request. */
  | { readonly kind: 'done'; readonly result: Json; readonly commit: string | null; readonly durable: boolean }
  | { readonly kind: 'failed'; readonly error: KelpieError }
  /** The activation ended first; nothing was written. `called`: other actors had been called by then. */
  | { readonly kind: 'ended'; readonly called: boolean };

const ENDED: Execution = { kind: 'ended', called: false };

/** It certainly wrote nothing, and may be tried again. */
interface Conflict {
  readonly kind: 'conflict';
  readonly error: DatabaseError;
}

/** Something to do with the actor's code: a call, or one of its hooks. */
export interface Task {
  /** Null for a hook. */
  readonly call: Call | null;
  readonly operation: string;
  /** What the ids of its calls to other actors start with. */
  readonly callPrefix: string;
  readonly deadlineMicros: Micros;
  readonly code: (ctx: ActorContext<unknown>) => unknown;
}

export interface ExecutorOptions {
  readonly held: HeldClaim;
  readonly instance: Actor<unknown>;
  readonly loaded: LoadedActor;
  readonly leases: HeldLeases;
  readonly makeCall: MakeCall;
  /** A commit could not be resolved: what memory holds may be wrong, and the activation must end. */
  readonly unresolved: () => void;
}

/** What is to be committed of one run. */
interface Changes {
  /** The answer, as JSON. */
  readonly result: string;
  readonly state: { readonly text: string | undefined } | 'unchanged';
}

export class Executor {
  readonly memory: ActorMemory;
  readonly #runtime: Runtime;
  readonly #held: HeldClaim;
  readonly #actor: ActorRef;
  readonly #leases: HeldLeases;
  readonly #makeCall: MakeCall;
  readonly #unresolved: () => void;
  readonly #callsOpen = { count: 0 };
  #head: Head;
  #sequence = 0;
  #committedMicros: Micros;
  #running: Invocation | undefined;
  #committing = false;
  #over = false;

  constructor(runtime: Runtime, { held, instance, loaded, leases, makeCall, unresolved }: ExecutorOptions) {
    this.#runtime = runtime;
    this.#held = held;
    this.#actor = held.actor;
    this.#leases = leases;
    this.#makeCall = makeCall;
    this.#unresolved = unresolved;
    this.#head = loaded.head;
    this.#committedMicros = runtime.platform.clock.monotonicMicros();
    this.memory = new ActorMemory(loaded.text, () => instance.initialState());
  }

  /** How many commits the actor has had. */
  get stateVersion(): number {
    return this.#head.version;
  }

  /** Stops the code that runs now, unless it is committing. Answers whether there was any. */
  stop(why: StopReason): boolean {
    if (this.#running === undefined || this.#committing) return false;
    this.#running.stop(why);
    return true;
  }

  /** The activation is over: nothing more is started. A commit that is on its way still finds out what became of it. */
  end(): void {
    this.#over = true;
    this.stop('ended');
  }

  /** Runs code of the actor until it has committed, failed, or conflicted too often. */
  async execute(task: Task): Promise<Execution> {
    const held = this.#held;
    const { teller, deadlines, platform } = this.#runtime;
    const actor = this.#actor.key;
    const request = task.call?.request ?? null;
    // By the tries before: whatever becomes of this one, those calls may have taken effect.
    let called = false;
    for (let tries = 1; ; tries++) {
      const early = this.#mayNotStart(task);
      // What was begun, in a try before this one, is told to end.
      if (early !== undefined) return tries === 1 ? early : this.#tellEnd(request, afterCalls(early, called));
      const invocation = new Invocation(this.#runtime, {
        held,
        memory: this.memory,
        request,
        callPrefix: task.callPrefix,
        chain: [...(task.call?.chain ?? []), actor],
        deadlineMicros: task.deadlineMicros,
        mayRepeat: tries > 1 || (task.call?.mayRepeat ?? false),
        again: tries > 1,
        callsOpen: this.#callsOpen,
        makeCall: this.#makeCall,
      });
      this.#running = invocation;
      if (task.call !== null && tries === 1 && (task.call.mayRepeat || chooses(platform, 'invoke/look-up'))) {
        const served = (await this.#findOutcome(task.call.request)) ?? this.#mayNotStart(task);
        if (served !== undefined) {
          this.#running = undefined;
          return served;
        }
      }
      teller.count('invocations');
      if (request !== null) {
        teller.tell({ type: 'invoke.start', actor, request, operation: task.operation, token: held.token, tries });
      }
      // A call has its deadline from the mailbox; a hook has none but this.
      const hookDeadline = task.call === null ? deadlines.at(task.deadlineMicros, () => invocation.stop('timeout')) : undefined;
      const ran = await invocation.run(task.code);
      hookDeadline?.clear();
      const step = await this.#conclude(task, invocation, ran);
      this.#running = undefined;
      // An actor that fails by its own code after a call knows what it says. Whoever is stopped, or cannot commit, has no word in it.
      const endsItself = ran.kind === 'threw' && step.kind === 'failed';
      const calledBefore = called;
      called ||= invocation.called;
      if (step.kind === 'conflict') {
        if (this.#over) return this.#tellEnd(request, afterCalls(ENDED, called));
        if (tries < CONFLICT_TRIES_MAX && (await this.#backOff(invocation, step.error))) continue;
        const failed = conflictError(this.#actor, step.error, tries);
        return this.#tellEnd(request, afterCalls({ kind: 'failed', error: failed }, called));
      }
      if (step.kind === 'failed') teller.count('invocations.failed');
      if (step.kind !== 'done' && !this.#over) this.#rollBack(task, step.kind === 'failed' ? step.error.code : step.kind);
      return this.#tellEnd(request, afterCalls(step, endsItself ? calledBefore : called));
    }
  }

  /** Why code may not be started now. */
  #mayNotStart(task: Task): Execution | undefined {
    if (this.#over) return ENDED;
    if (!mayServe(this.#runtime, this.#held)) return this.#stopServing();
    const late = this.#runtime.platform.clock.monotonicMicros() >= task.deadlineMicros;
    return late ? { kind: 'failed', error: this.#tooLate(task) } : undefined;
  }

  #tellEnd(request: RequestId | null, done: Execution): Execution {
    if (request !== null) {
      this.#runtime.teller.tell({
        type: 'invoke.end',
        actor: this.#actor.key,
        request,
        token: this.#held.token,
        outcome: done.kind === 'done' ? 'ok' : done.kind === 'failed' ? done.error.code : 'ended',
        commit: done.kind === 'done' ? done.commit : null,
        ...(done.kind === 'done' && !done.durable ? { leftMicros: servesFor(this.#runtime, this.#held) } : {}),
      });
    }
    return done;
  }

  /**
   * The stored outcome of a request that has been served before. In a transaction of its own: that of the invocation would grow old from
   * here on, and could not be committed after calls that take long, in no repetition of the request.
   */
  async #findOutcome(request: RequestId): Promise<Execution | undefined> {
    const { parts } = this.#runtime;
    try {
      const { value } = await inTransaction(this.#runtime, `look-up of request ${request} of ${this.#actor.key}`, (transaction) =>
        parts.outcomes.find(this.#runtime, transaction, this.#held, this.#head, request),
      );
      return value === undefined ? undefined : this.#repeat(value, request);
    } catch (error) {
      return { kind: 'failed', error: KelpieError.from(error) };
    }
  }

  #repeat(outcome: Uint8Array, request: RequestId): Execution {
    this.#runtime.teller.count('requests.duplicate');
    this.#runtime.teller.tell({ type: 'request.duplicate', actor: this.#actor.key, request, how: 'stored' });
    return { kind: 'done', result: parseOutcome(outcome, request) as Json, commit: null, durable: true };
  }

  /** What follows from how the code ended: an answer, a commit, or another try. */
  async #conclude(task: Task, invocation: Invocation, ran: RunResult): Promise<Execution | Conflict> {
    if (ran.kind === 'stopped') {
      if (ran.why === 'ended' || this.#over) return ENDED;
      return { kind: 'failed', error: this.#tooLate(task) };
    }
    if (this.#over) return ENDED;
    // An answer that comes from what another owner may have changed since must not leave.
    if (!mayServe(this.#runtime, this.#held)) return this.#stopServing();
    const { failure: readFailure } = invocation.view;
    if (readFailure instanceof DatabaseError) {
      this.#rollBack(task, 'read failed');
      return { kind: 'conflict', error: readFailure };
    }
    if (ran.kind === 'threw') return { kind: 'failed', error: KelpieError.from(ran.error) };
    if (readFailure !== undefined) return { kind: 'failed', error: KelpieError.from(readFailure) };
    try {
      const text = toJsonText(ran.value, `the result of ${task.operation}`);
      checkTextBytes(text, MESSAGE_BYTES_MAX, `the result of ${task.operation}`);
      const state = invocation.stateUsed ? this.memory.changed(this.#actor.key) : 'unchanged';
      const writes = invocation.written.writes();
      const nothing = state === 'unchanged' && writes.entries.size === 0 && !writes.cleared;
      // A request that may come again must have one outcome, even where it had no effect: an earlier attempt that is still on its way
      // could have one, after this answer was given.
      if (nothing && task.call?.mayRepeat !== true) return { kind: 'done', result: JSON.parse(text) as Json, commit: null, durable: false };
      return await this.#commit(task, invocation, { result: text, state });
    } catch (error) {
      return { kind: 'failed', error: KelpieError.from(error) };
    }
  }

  async #commit(task: Task, invocation: Invocation, changes: Changes): Promise<Execution | Conflict> {
    const plan = this.#plan(task, invocation, changes);
    const { held, commit, request, writes, state, after } = plan;
    const { teller } = this.#runtime;
    teller.tell({
      type: 'commit.start',
      actor: this.#actor.key,
      request,
      commit,
      token: held.token,
      stateVersion: after.version,
      reads: invocation.view.reads,
      writes: [...writes.entries.keys()],
      state: state === null || state === 'unchanged' ? null : state.checksum,
      stateDeleted: state === null,
    });
    this.#committing = true;
    try {
      return await this.#settle(task, plan, changes, await this.#send(invocation, plan));
    } finally {
      this.#committing = false;
    }
  }

  async #send(invocation: Invocation, plan: CommitPlan): Promise<CommitResult> {
    const { parts, platform } = this.#runtime;
    await mayWait(platform, 'commit/wait');
    if (chooses(platform, 'commit/conflict')) {
      return { kind: 'conflict', error: new DatabaseError(databaseErrorCode.notCommitted, 'not sent, by choice') };
    }
    const result = await parts.commit(this.#runtime, invocation.view.transaction, plan);
    if (result.kind !== 'done' || !chooses(platform, 'commit/doubt')) return result;
    return { kind: 'unknown', error: new DatabaseError(databaseErrorCode.commitUnknownResult, 'not believed, by choice') };
  }

  #plan(task: Task, invocation: Invocation, changes: Changes): CommitPlan {
    const held = this.#held;
    const activeMicros = this.#runtime.platform.clock.monotonicMicros() - this.#committedMicros;
    this.#sequence += 1;
    const sequence = this.#sequence;
    const request = task.call?.request ?? null;
    const outcome = request === null ? null : seal(utf8(changes.result));
    const writes = invocation.written.writes();
    let state: Sealed | null | 'unchanged' = 'unchanged';
    if (changes.state !== 'unchanged') state = changes.state.text === undefined ? null : sealState(changes.state.text);
    const before = this.#head;
    const chunked = before.chunked || isChunked(state) || [...writes.entries.values()].some(isChunked);
    const { after, forgetEpoch } = nextHead(this.#runtime, before, held.token, sequence, activeMicros, chunked);
    return { held, commit: commitId(held.token, sequence), sequence, request, writes, state, outcome, before, after, forgetEpoch };
  }

  /** What follows from the result of a commit. */
  async #settle(task: Task, plan: CommitPlan, changes: Changes, result: CommitResult): Promise<Execution | Conflict> {
    const { held, commit, request } = plan;
    const { token } = held;
    const actor = this.#actor.key;
    const { teller } = this.#runtime;
    switch (result.kind) {
      case 'done':
        return this.#committed(plan, changes, result.version);
      case 'fenced':
        teller.count('commits.fenced');
        teller.tell({ type: 'commit.fenced', actor, commit, token, newestToken: result.newestToken });
        this.#rollBack(task, 'fenced');
        if (result.newestToken !== token) this.#leases.lost(held, result.newestToken);
        return this.#stopServing();
      case 'duplicate':
        this.#rollBack(task, 'duplicate');
        return request === null ? ENDED : this.#repeat(result.outcome, request);
      case 'conflict':
        teller.count('commits.conflict');
        teller.tell({ type: 'commit.conflict', actor, commit, code: result.error.code });
        this.#rollBack(task, 'conflict');
        return { kind: 'conflict', error: result.error };
      case 'unknown': {
        teller.count('commits.unknown');
        teller.tell({ type: 'commit.unknown', actor, commit, token, code: result.error.code });
        const resolved = await this.#resolve(plan);
        if (resolved === 'unknown') {
          this.#unresolved();
          const error = `commit ${commit} of ${actor}: ${result.error.message}, and it could not be found out what became of it`;
          return { kind: 'failed', error: new KelpieError('commit-unknown', error) };
        }
        teller.tell({ type: 'commit.resolved', actor, commit, token, applied: resolved === 'applied' });
        if (resolved === 'applied') return this.#committed(plan, changes, -1);
        this.#rollBack(task, 'commit lost');
        return { kind: 'conflict', error: result.error };
      }
    }
  }

  async #resolve(plan: CommitPlan): Promise<'applied' | 'lost' | 'unknown'> {
    try {
      return await this.#runtime.parts.resolve(this.#runtime, plan);
    } catch (error) {
      // A damaged head tells nothing; whoever activates the actor next will report it.
      if (error instanceof KelpieError) return 'unknown';
      throw error;
    }
  }

  #committed({ held, commit, after }: CommitPlan, { result, state }: Changes, version: number): Execution {
    this.#head = after;
    this.#committedMicros = this.#runtime.platform.clock.monotonicMicros();
    if (state !== 'unchanged') this.memory.committed = state.text;
    const { teller } = this.#runtime;
    teller.count('commits');
    teller.tell({ type: 'commit.done', actor: this.#actor.key, commit, token: held.token, stateVersion: after.version, version });
    return { kind: 'done', result: JSON.parse(result) as Json, commit, durable: true };
  }

  #rollBack(task: Task, reason: string): void {
    const { token } = this.#held;
    this.#runtime.parts.rollback(this.memory);
    const request = task.call?.request ?? null;
    this.#runtime.teller.tell({ type: 'rollback', actor: this.#actor.key, token, request, reason, state: this.memory.checksum() });
  }

  /** Waits as the database asks before another try; false when it may not be tried again. */
  async #backOff(invocation: Invocation, error: DatabaseError): Promise<boolean> {
    try {
      await invocation.view.transaction.onError(error);
      return true;
    } catch {
      return false;
    }
  }

  #tooLate(task: Task): KelpieError {
    return new KelpieError('timeout', `${task.operation} of ${this.#actor.key} did not end in time; what it did was undone`);
  }

  /** This node may not serve the actor any more, although no timer has told so yet. */
  #stopServing(): Execution {
    this.#leases.expire(this.#held);
    return ENDED;
  }
}

/** What calls to others may have done is not undone with the caller, and its failure is then no certain one. */
function afterCalls(done: Execution, called: boolean): Execution {
  if (!called || done.kind === 'done') return done;
  return done.kind === 'ended' ? { kind: 'ended', called } : { kind: 'failed', error: done.error.asUnsure() };
}

const isChunked = (sealed: Sealed | null | 'unchanged'): boolean => sealed !== null && sealed !== 'unchanged' && sealed.chunks.length > 0;

function conflictError(actor: ActorRef, error: DatabaseError, tries: number): KelpieError {
  const code = error.retryable ? 'transaction-conflict' : 'store-unavailable';
  return new KelpieError(code, `${actor.key} could not commit in ${tries} tries, nothing was written: ${error.message}`, { cause: error });
}
