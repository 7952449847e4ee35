/**
 * Drives the messages of agents on one node: asks an agent for its step, does it, brings the outcome back, and so on until nothing waits.
 * One drive an agent at a time here; that two nodes may drive one agent for a moment is the agent's to judge, which counts the first
 * outcome of each step.
 */
import type { Micros } from '../../ports.js';
import type { AgentEvent } from '../../story.js';
import { KelpieError } from '../errors.js';
import { requestId } from '../ids.js';
import type { Json } from '../json.js';
import type { NodeAccess } from '../node.js';
import { pauseMicros } from '../retry.js';
import type { WalEntry, WalRequest } from '../wal/wal.js';
import { readPending } from './agent-index.js';
import type { AgentOptions } from './agent-options.js';
import { agentRef, fieldsOf } from './agent-state.js';
import { Journal, type SweepCursor } from './journal.js';
import type { ModelRequest, Next, Outcome, Todo } from './loop.js';
import { askModel, askTool, type PeerAccess } from './peers.js';

type Step = Extract<Next, { readonly kind: 'step' }>;

/** Agents driven here at once; more wait, and beyond that they are left to the next sweep. */
const DRIVES_MAX = 1_000;
const WAITING_MAX = 10_000;
/** Agents whose progress is watched at once. */
const WATCHED_MAX = 10_000;
/** Times one call of an agent is tried again before the drive starts over. */
const CALL_TRIES_MAX = 10;
const POLL_MICROS_MIN: Micros = 100_000;
const POLL_MICROS_MAX: Micros = 2_000_000;

export class Drives {
  readonly #options: AgentOptions;
  readonly #driven = new Set<string>();
  /** Woken while they were driven, or before they could be. */
  readonly #waiting = new Set<string>();
  /** Marks of pending agents in this round of sweeps and in the one before, with the time at which each was first seen. */
  #watched = new Map<string, Watched>();
  #watchedBefore = new Map<string, Watched>();
  #access: NodeAccess | undefined;
  #journal: Journal | undefined;
  #ready = false;
  #stopped = false;
  #calls = 0;

  constructor(options: AgentOptions) {
    this.#options = options;
  }

  start(access: NodeAccess): void {
    this.#access = access;
    void this.#run(access);
  }

  /** What is under way stays in the journal and in the database, for whoever comes next. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#journal?.close();
  }

  wake(agent: string): void {
    if (this.#stopped) return;
    const access = this.#access;
    if (access === undefined || !this.#ready || this.#driven.has(agent) || this.#driven.size >= DRIVES_MAX) {
      if (this.#waiting.size < WAITING_MAX) this.#waiting.add(agent);
      return;
    }
    void this.#exclusively(agent, () => this.#drive(access, agent));
  }

  async #run(access: NodeAccess): Promise<void> {
    const { runtime } = access;
    const { platform, parts, teller } = runtime;
    const journal = new Journal({
      disk: platform.disk,
      clock: platform.clock,
      tracer: platform.tracer,
      parts,
      options: this.#options,
      tell: (event) => teller.tell(event),
    });
    this.#journal = journal;
    await journal.open();
    this.#ready = true;
    this.#wakeWaiting();
    await Promise.all([this.#replay(access, journal), this.#sweep(access, journal)]);
  }

  #wakeWaiting(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const agent of waiting) this.wake(agent);
  }

  async #exclusively(agent: string, task: () => Promise<void>): Promise<void> {
    this.#driven.add(agent);
    try {
      await task();
    } catch (error) {
      // What fails here is looked at again by a sweep. Anything else is a defect, and must show.
      if (!(error instanceof KelpieError)) throw error;
    } finally {
      this.#driven.delete(agent);
      this.#wakeWaiting();
    }
  }

  /** Goes on with the steps that were under way when the process ended. */
  async #replay(access: NodeAccess, journal: Journal): Promise<void> {
    for (let tries = 1; !this.#stopped; tries++) {
      try {
        return await journal.replay((entry) => this.#resume(access, entry));
      } catch (error) {
        if (!(error instanceof KelpieError)) throw error;
        await access.runtime.platform.clock.sleep(pauseMicros(tries, access.runtime.platform.random));
      }
    }
  }

  /** Does the step of an entry, when its agent still is at it. */
  async #resume(access: NodeAccess, { key, payload: agent }: WalEntry): Promise<string> {
    if (this.#driven.has(agent)) return '"driven"';
    let failure: KelpieError | undefined;
    let end = 'past';
    await this.#exclusively(agent, async () => {
      try {
        const next = await this.#begin(access, agent);
        if (next.kind !== 'step' || keyOf(agent, next) !== key) return;
        end = (await this.#perform(access, agent, next)).kind;
      } catch (error) {
        if (!(error instanceof KelpieError)) throw error;
        failure = error;
      }
    });
    if (failure !== undefined) throw failure;
    this.wake(agent);
    return JSON.stringify(end);
  }

  async #drive(access: NodeAccess, agent: string, takeOver?: Json): Promise<void> {
    const { clock, random } = access.runtime.platform;
    let open: WalRequest | undefined;
    for (let tries = 1; !this.#stopped; tries++) {
      try {
        let next = await this.#begin(access, agent, takeOver);
        while (next.kind === 'step' && !this.#stopped) {
          const step: Step = next;
          const request: WalRequest = { key: keyOf(agent, step), operation: 'step', payload: agent };
          if (open !== undefined && open.key !== request.key) await this.#journal?.abandon(open);
          open = request;
          next = await this.#journaled(request, () => this.#perform(access, agent, step));
          open = undefined;
          tries = 1;
        }
        if (open !== undefined) await this.#journal?.abandon(open);
        return;
      } catch (error) {
        if (!(error instanceof KelpieError) || !error.retriable) throw error;
        await clock.sleep(pauseMicros(tries, random));
      }
    }
  }

  async #journaled(request: WalRequest, perform: () => Promise<Next>): Promise<Next> {
    let next: Next = { kind: 'past' };
    await this.#journal?.execute(request, async () => {
      next = await perform();
      return JSON.stringify(next.kind);
    });
    return next;
  }

  #begin(access: NodeAccess, agent: string, takeOver?: Json): Promise<Next> {
    const driver = driverOf(access);
    return this.#change(access, agent, 'begin', takeOver === undefined ? { driver } : { driver, takeOver });
  }

  /** Does a step and brings its outcome to the agent. */
  async #perform(access: NodeAccess, agent: string, step: Step): Promise<Next> {
    const outcome = await this.#outcome(access, agent, step);
    if (outcome === 'past') return { kind: 'past' };
    const { incarnation, message, step: number } = step;
    return this.#change(access, agent, 'advance', { driver: driverOf(access), incarnation, message, step: number, outcome });
  }

  async #outcome(access: NodeAccess, agent: string, step: Step): Promise<Outcome | 'past'> {
    const { todo } = step;
    switch (todo.kind) {
      case 'model': {
        const { incarnation, message, step: number } = step;
        try {
          const request = await this.#call(access, agent, 'context', { incarnation, message, step: number }, false);
          return await askModel(this.#peers(access, agent, step), request as unknown as ModelRequest);
        } catch (error) {
          if (error instanceof KelpieError && error.code === 'not-found') return 'past';
          throw error;
        }
      }
      case 'tool':
        if (step.resumed && !todo.repeatable) {
          const message = `a call of ${todo.service} was interrupted; it may have been done, and is not one that may be repeated`;
          return { kind: 'failed', code: `${todo.service}-interrupted`, message };
        }
        return askTool(this.#peers(access, agent, step), todo);
      case 'pause': {
        const { clock } = access.runtime.platform;
        await clock.sleep(Math.min(todo.micros, Math.max(0, todo.untilMicros - clock.wallMicros())));
        return { kind: 'result', content: 'the pause is over' };
      }
      case 'ask':
        return this.#ask(access, agent, step, todo);
    }
  }

  #peers({ runtime }: NodeAccess, agent: string, step: Step): PeerAccess {
    const { services, clock, random } = runtime.platform;
    const { peerMicros, peerTries } = this.#options;
    const tell = (event: AgentEvent): void => runtime.teller.tell(event);
    return { services, clock, random, actor: agentRef(agent).key, key: keyOf(agent, step), peerMicros, peerTries, tell };
  }

  /** Sends another agent a message, once for this step, and waits for its answer. */
  async #ask(access: NodeAccess, agent: string, step: Step, todo: Extract<Todo, { readonly kind: 'ask' }>): Promise<Outcome> {
    const { clock } = access.runtime.platform;
    const { agent: other, text, chain } = todo;
    const until = clock.monotonicMicros() + this.#options.askMicros;
    let sent: Json | undefined;
    try {
      for (let pause = POLL_MICROS_MIN; clock.monotonicMicros() < until && !this.#stopped; pause = Math.min(2 * pause, POLL_MICROS_MAX)) {
        sent ??= await this.#send(access, other, { text, chain, key: keyOf(agent, step) });
        if (sent !== undefined) {
          const seen = fieldsOf(await this.#call(access, other, 'message', sent, false), 'a message');
          if (seen['status'] === 'done') return { kind: 'result', content: seen['answer'] as string };
          if (seen['status'] === 'failed') return { kind: 'result', content: `error: ${JSON.stringify(seen['error'])}` };
        }
        await clock.sleep(pause);
      }
    } catch (error) {
      // What the other agent refuses is for the model to know; what may go away is tried again with the step.
      if (!(error instanceof KelpieError) || error.retriable) throw error;
      return { kind: 'result', content: `error: ${error.code}: ${error.message}` };
    }
    if (this.#stopped) throw new KelpieError('shutting-down', 'this node is shutting down');
    return { kind: 'result', content: `error: timeout: agent ${todo.agent} has not answered in time` };
  }

  /** Undefined when an earlier try of the step has sent it and it is worked on: only its end tells its number again. */
  async #send(access: NodeAccess, agent: string, payload: Json): Promise<Json | undefined> {
    try {
      return await this.#call(access, agent, 'send', payload, true);
    } catch (error) {
      if (error instanceof KelpieError && error.code === 'in-progress') return undefined;
      throw error;
    }
  }

  async #change(access: NodeAccess, agent: string, operation: string, payload: object): Promise<Next> {
    return (await this.#call(access, agent, operation, payload as Json, true)) as unknown as Next;
  }

  /** Calls an agent, wherever it is. With `once` it takes effect at most once over all tries. Errors: any `KelpieError`. */
  async #call({ runtime, dispatcher }: NodeAccess, agent: string, operation: string, payload: Json, once: boolean): Promise<Json> {
    const { platform, config, node, life } = runtime;
    this.#calls += 1;
    const request = `${node}.${life}.agents.${this.#calls}`;
    for (let tries = 1; ; tries++) {
      const answer = await dispatcher.dispatch({
        actor: agentRef(agent),
        request: requestId(once ? request : `${request}.${tries}`),
        operation,
        payload,
        chain: [],
        hops: 0,
        deadlineMicros: platform.clock.monotonicMicros() + config.invocationMicros,
        mayRepeat: once && tries > 1,
        place: false,
      });
      if (answer.ok) return answer.result;
      const error = KelpieError.fromData(answer.error);
      if (!error.retriable || tries >= CALL_TRIES_MAX || this.#stopped) throw error;
      await platform.clock.sleep(pauseMicros(tries, platform.random));
    }
  }

  /** Looks again and again, page by page, for messages that nobody works on. */
  async #sweep(access: NodeAccess, journal: Journal): Promise<void> {
    const { runtime } = access;
    const { clock, random } = runtime.platform;
    let cursor: SweepCursor = await journal.restoreCursor();
    while (!this.#stopped) {
      const half = Math.ceil(this.#options.sweepMicros / 2);
      // Nodes that started together must not look together for ever.
      await clock.sleep(half + random.int(half));
      if (this.#stopped) return;
      try {
        const page = await readPending(runtime, cursor.after, this.#options.sweepPage);
        for (const { agent, mark } of page.entries) this.#look(access, agent, mark);
        const moved = page.entries.length > 0 || page.after !== cursor.after;
        cursor = { after: page.after, sequence: moved ? cursor.sequence + 1 : cursor.sequence };
        if (moved) await journal.saveCursor(cursor);
        if (page.after === null) {
          this.#watchedBefore = this.#watched;
          this.#watched = new Map();
        }
        await journal.cleanup();
      } catch (error) {
        if (!(error instanceof KelpieError)) throw error;
      }
    }
  }

  #look(access: NodeAccess, agent: string, mark: string): void {
    const { runtime } = access;
    const now = runtime.platform.clock.monotonicMicros();
    const before = this.#watched.get(agent) ?? this.#watchedBefore.get(agent);
    const watched = before?.mark === mark ? before : { mark, sinceMicros: now };
    if (this.#watched.size < WATCHED_MAX) this.#watched.set(agent, watched);
    if (watched !== before || this.#driven.has(agent)) return;
    const [incarnation = '', message, step, node] = mark.split('/');
    // Nobody has begun, or this node has and lost it.
    if (step === '0' || node === runtime.node) return this.wake(agent);
    const unchangedMicros = now - watched.sinceMicros;
    if (unchangedMicros < this.#options.takeOverMicros || this.#driven.size >= DRIVES_MAX) return;
    runtime.teller.tell({ type: 'drive.takeover', actor: agentRef(agent).key, mark, unchangedMicros });
    const takeOver = { incarnation, message: Number(message), step: Number(step) };
    void this.#exclusively(agent, () => this.#drive(access, agent, takeOver));
  }
}

interface Watched {
  readonly mark: string;
  readonly sinceMicros: Micros;
}

const driverOf = ({ runtime }: NodeAccess): { readonly node: string; readonly life: number } => ({
  node: runtime.node,
  life: runtime.life,
});

/** Names a step among all of all agents: its entry in the journal, and its idempotency key at peers. */
const keyOf = (agent: string, { incarnation, message, step }: Step): string => `${agent}/${incarnation}/${message}/${step}`;
