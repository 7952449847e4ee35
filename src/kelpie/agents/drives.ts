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
import { clearRetired, readPending, readRetired } from './agent-index.js';
import type { AgentOptions } from './agent-options.js';
import { agentRef, fieldsOf, NOBODY } from './agent-state.js';
import { Journal, type SweepCursor } from './journal.js';
import type { ModelRequest, Next, Outcome, Todo } from './loop.js';
import { askModel, askTool, type PeerAccess } from './peers.js';
import { Watch } from './watch.js';

type Step = Extract<Next, { readonly kind: 'step' }>;

/** Agents driven here at once; more wait, and beyond that they are left to the next sweep. */
const DRIVES_MAX = 1_000;
const WAITING_MAX = 10_000;
/** How long a stopping node tries to give a step back. */
const GIVE_BACK_MICROS: Micros = 5_000_000;
/** Times one call of an agent is tried again before the drive starts over. */
const CALL_TRIES_MAX = 10;
const POLL_MICROS_MIN: Micros = 100_000;
const POLL_MICROS_MAX: Micros = 2_000_000;

export class Drives {
  readonly #options: AgentOptions;
  readonly #driven = new Set<string>();
  /** Woken while they were driven, or before they could be. */
  readonly #waiting = new Set<string>();
  /** Steps that this node has taken and not brought to their end, by agent. */
  readonly #inHand = new Map<string, InHand>();
  readonly #pending = new Watch();
  readonly #retired = new Watch();
  /** What ends the waiting of drives that pause, and of a stop that waits for drives. */
  readonly #wakers = new Set<() => void>();
  #access: NodeAccess | undefined;
  #journal: Journal | undefined;
  #ready = false;
  /** No step is taken any more. */
  #draining = false;
  #stopped = false;
  #calls = 0;

  constructor(options: AgentOptions) {
    this.#options = options;
  }

  start(access: NodeAccess): void {
    this.#access = access;
    void this.#run(access);
  }

  /**
   * Takes no more steps, lets those under way come to their end for a while, and gives back what is left: whoever comes next goes on with
   * it at once, instead of waiting until its time is over.
   */
  async drain(): Promise<void> {
    this.#draining = true;
    for (const wake of this.#wakers) wake();
    const access = this.#access;
    if (access === undefined) return;
    const { clock } = access.runtime.platform;
    const until = clock.monotonicMicros() + this.#options.drainMicros;
    while (this.#driven.size > 0 && clock.monotonicMicros() < until) await this.#nap(access, until - clock.monotonicMicros());
    await Promise.all([...this.#inHand].map(([agent, held]) => this.#giveBack(access, agent, held)));
  }

  /** What is still under way stays in the journal and in the database, for whoever comes next. */
  async stop(): Promise<void> {
    this.#draining = true;
    this.#stopped = true;
    await this.#journal?.close();
  }

  wake(agent: string): void {
    if (this.#draining) return;
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
      choices: platform.choices,
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
      this.#inHand.delete(agent);
      if (this.#draining) for (const wake of this.#wakers) wake();
      this.#wakeWaiting();
    }
  }

  /** Goes on with the steps that were under way when the process ended. */
  async #replay(access: NodeAccess, journal: Journal): Promise<void> {
    for (let tries = 1; !this.#draining; tries++) {
      try {
        return await journal.replay((entry) => this.#resume(access, entry));
      } catch (error) {
        if (!(error instanceof KelpieError)) throw error;
        await this.#pause(access, pauseMicros(tries, access.runtime.platform.random));
      }
    }
  }

  /** Does the step of an entry, when its agent still is at it. */
  async #resume(access: NodeAccess, { key, payload: agent }: WalEntry): Promise<string> {
    if (this.#driven.has(agent)) return '"driven"';
    if (this.#draining) throw stopping();
    let failure: KelpieError | undefined;
    let end = 'past';
    await this.#exclusively(agent, async () => {
      try {
        const next = await this.#begin(access, agent);
        if (next.kind !== 'step') return;
        if (keyOf(agent, next) !== key) return await this.#giveBack(access, agent, { step: next, begun: false });
        this.#inHand.set(agent, { step: next, begun: true });
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
    let open: WalRequest | undefined;
    for (let tries = 1; !this.#draining; tries++) {
      try {
        let next = await this.#begin(access, agent, takeOver);
        while (next.kind === 'step') {
          const step: Step = next;
          this.#inHand.set(agent, { step, begun: false });
          if (this.#draining) break;
          const request: WalRequest = { key: keyOf(agent, step), operation: 'step', payload: agent };
          if (open !== undefined && open.key !== request.key) await this.#journal?.abandon(open);
          open = request;
          this.#inHand.set(agent, { step, begun: true });
          next = await this.#journaled(request, () => this.#perform(access, agent, step));
          this.#inHand.delete(agent);
          open = undefined;
          tries = 1;
        }
        if (next.kind !== 'step') break;
      } catch (error) {
        if (!(error instanceof KelpieError) || !error.retriable) throw error;
        await this.#pause(access, pauseMicros(tries, access.runtime.platform.random));
      }
    }
    const held = this.#inHand.get(agent);
    if (held !== undefined && !this.#stopped) await this.#giveBack(access, agent, held);
    if (open !== undefined) await this.#journal?.abandon(open);
  }

  /** Hands a step back to its agent, which hands it to the next driver that asks. In vain, it waits there for its time to be over. */
  async #giveBack(access: NodeAccess, agent: string, { step, begun }: InHand): Promise<void> {
    this.#inHand.delete(agent);
    const { incarnation, message, step: number, resumed } = step;
    const payload = { driver: driverOf(access), incarnation, message, step: number, begun: begun || resumed };
    try {
      await this.#call(access, agent, 'release', payload, true, GIVE_BACK_MICROS);
    } catch (error) {
      if (!(error instanceof KelpieError)) throw error;
    }
  }

  /** Waits, but not longer than until this node is to stop. */
  #pause(access: NodeAccess, micros: Micros): Promise<void> {
    return this.#draining ? Promise.resolve() : this.#nap(access, micros);
  }

  #nap({ runtime }: NodeAccess, micros: Micros): Promise<void> {
    return new Promise((resolve) => {
      const over = (): void => {
        timer.cancel();
        this.#wakers.delete(over);
        resolve();
      };
      const timer = runtime.platform.clock.after(micros, over);
      this.#wakers.add(over);
    });
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
    const about = { driver: driverOf(access), incarnation, message, step: number };
    return this.#change(access, agent, 'advance', this.#draining ? { ...about, outcome, last: true } : { ...about, outcome });
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
        const until = clock.monotonicMicros() + Math.min(todo.micros, Math.max(0, todo.untilMicros - clock.wallMicros()));
        await this.#pause(access, Math.max(1, until - clock.monotonicMicros()));
        if (clock.monotonicMicros() < until) throw stopping();
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
      for (let pause = POLL_MICROS_MIN; clock.monotonicMicros() < until && !this.#draining; pause = Math.min(2 * pause, POLL_MICROS_MAX)) {
        sent ??= await this.#send(access, other, { text, chain, key: keyOf(agent, step) });
        if (sent !== undefined) {
          const seen = fieldsOf(await this.#call(access, other, 'message', sent, false), 'a message');
          if (seen['status'] === 'done') return { kind: 'result', content: seen['answer'] as string };
          if (seen['status'] === 'failed') return { kind: 'result', content: `error: ${JSON.stringify(seen['error'])}` };
        }
        await this.#pause(access, pause);
      }
    } catch (error) {
      // What the other agent refuses is for the model to know; what may go away is tried again with the step.
      if (!(error instanceof KelpieError) || error.retriable) throw error;
      return { kind: 'result', content: `error: ${error.code}: ${error.message}` };
    }
    if (this.#draining) throw stopping();
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

  /**
   * Calls an agent, wherever it is. With `once` it takes effect at most once over all tries, which together take no longer than
   * `withinMicros` where that is given. Errors: any `KelpieError`.
   */
  async #call(
    { runtime, dispatcher }: NodeAccess,
    agent: string,
    operation: string,
    payload: Json,
    once: boolean,
    withinMicros?: Micros,
  ): Promise<Json> {
    const { platform, config, node, life } = runtime;
    const { clock } = platform;
    const until = withinMicros === undefined ? undefined : clock.monotonicMicros() + withinMicros;
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
        deadlineMicros: until ?? clock.monotonicMicros() + config.invocationMicros,
        mayRepeat: once && tries > 1,
        place: false,
      });
      if (answer.ok) return answer.result;
      const error = KelpieError.fromData(answer.error);
      const late = until !== undefined && clock.monotonicMicros() >= until;
      if (!error.retriable || tries >= CALL_TRIES_MAX || late || this.#stopped) throw error;
      await clock.sleep(pauseMicros(tries, platform.random));
    }
  }

  /** Looks again and again, page by page, for messages that nobody works on, and for deleted agents whose keys have had their time. */
  async #sweep(access: NodeAccess, journal: Journal): Promise<void> {
    const { runtime } = access;
    const { clock, random } = runtime.platform;
    let cursor: SweepCursor = await journal.restoreCursor();
    let retiredAfter: string | null = null;
    while (!this.#draining) {
      const half = Math.ceil(this.#options.sweepMicros / 2);
      // Nodes that started together must not look together for ever.
      await this.#pause(access, half + random.int(half));
      if (this.#draining) return;
      try {
        const page = await readPending(runtime, cursor.after, this.#options.sweepPage);
        for (const { agent, mark } of page.entries) this.#look(access, agent, mark);
        const moved = page.entries.length > 0 || page.after !== cursor.after;
        cursor = { after: page.after, sequence: moved ? cursor.sequence + 1 : cursor.sequence };
        if (moved) await journal.saveCursor(cursor);
        if (page.after === null) this.#pending.endRound();
        await journal.cleanup();
        const retired = await readRetired(runtime, retiredAfter, this.#options.sweepPage);
        for (const { agent, mark } of retired.entries) await this.#lookAtRetired(access, agent, mark, clock.monotonicMicros());
        retiredAfter = retired.after;
        if (retiredAfter === null) this.#retired.endRound();
      } catch (error) {
        if (!(error instanceof KelpieError)) throw error;
      }
    }
  }

  #look(access: NodeAccess, agent: string, mark: string): void {
    const { runtime } = access;
    const unchangedMicros = this.#pending.unchangedMicros(agent, mark, runtime.platform.clock.monotonicMicros());
    if (unchangedMicros === undefined || this.#driven.has(agent)) return;
    const [incarnation = '', message, step, node] = mark.split('/');
    // Nobody has begun, or who has gave it back, or this node has and lost it.
    if (step === '0' || node === NOBODY.node || node === runtime.node) return this.wake(agent);
    if (unchangedMicros < this.#options.takeOverMicros || this.#driven.size >= DRIVES_MAX) return;
    runtime.teller.tell({ type: 'drive.takeover', actor: agentRef(agent).key, mark, unchangedMicros });
    const takeOver = { incarnation, message: Number(message), step: Number(step) };
    void this.#exclusively(agent, () => this.#drive(access, agent, takeOver));
  }

  /** Drops the idempotency keys of a deleted agent when this node has seen it deleted for as long as keys are kept. */
  async #lookAtRetired(access: NodeAccess, agent: string, incarnation: string, now: Micros): Promise<void> {
    const unchangedMicros = this.#retired.unchangedMicros(agent, incarnation, now);
    if (unchangedMicros === undefined || unchangedMicros < this.#options.keptMicros || this.#draining) return;
    if (incarnation !== '') await this.#call(access, agent, 'forget', { incarnation }, true);
    await clearRetired(access.runtime, agent);
  }
}

/** A step that this node was given; `begun` once it may have been done. */
interface InHand {
  readonly step: Step;
  readonly begun: boolean;
}

const stopping = (): KelpieError => new KelpieError('shutting-down', 'this node is shutting down');

const driverOf = ({ runtime }: NodeAccess): { readonly node: string; readonly life: number } => ({
  node: runtime.node,
  life: runtime.life,
});

/** Names a step among all of all agents: its entry in the journal, and its idempotency key at peers. */
const keyOf = (agent: string, { incarnation, message, step }: Step): string => `${agent}/${incarnation}/${message}/${step}`;
