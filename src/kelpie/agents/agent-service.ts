/**
 * What users of agents call. A success is durable when it is answered, and a later `get` or `list` sees it, whichever node is asked.
 * With an idempotency key a request may be repeated, by another process too, and takes effect once.
 */
import type { Clock, Micros } from '../../ports.js';
import type { CallResult, ClientCallOptions } from '../client.js';
import { KelpieError } from '../errors.js';
import { type ActorRef, actorRef } from '../ids.js';
import type { Json } from '../json.js';
import { INVOCATION_MICROS_MAX } from '../limits.js';
import { type AgentChanges, agentRef, type AgentSpec, type AgentTool } from './agent-state.js';
import { AGENT_DIRECTORY } from './directory.js';

/** Makes calls; a `KelpieClient` does. */
export interface AgentCaller {
  invoke(actor: ActorRef, operation: string, payload: Json, options?: ClientCallOptions): Promise<CallResult>;
}

export interface AgentCallOptions {
  /** Of the characters of a request id, at most 256 bytes. Kept for an hour at least. */
  readonly key?: string;
  readonly deadlineMicros?: Micros;
}

/** `unknown`: it may have taken effect, or may still. */
export type AgentResult<T> =
  | { readonly kind: 'ok'; readonly result: T }
  | { readonly kind: 'error' | 'unknown'; readonly error: KelpieError };

/** Which agent, after how many changes. */
export interface AgentStamp {
  readonly id: string;
  readonly incarnation: string;
  readonly version: number;
}

export interface AgentView extends AgentStamp {
  readonly name: string;
  readonly system: string;
  readonly tools: readonly AgentTool[];
  readonly blocks: readonly { readonly label: string; readonly text: string }[];
  /** Messages that are not answered. */
  readonly pending: number;
}

export interface AgentPage {
  /** In the order of their ids. */
  readonly agents: readonly string[];
  /** Where to go on, when there may be more. */
  readonly after: string | null;
}

/** What became of a message that was worked on to its end. */
export interface MessageOutcome {
  readonly message: number;
  readonly status: 'done' | 'failed';
  readonly answer: string | null;
  readonly error: { readonly code: string; readonly message: string } | null;
  readonly iterations: number;
}

/** Lists are spread over so many directories, so that none of them is asked by everybody. */
const DIRECTORIES = 16;
const POLL_MICROS_MIN: Micros = 50_000;
const POLL_MICROS_MAX: Micros = 2_000_000;

export class AgentService {
  readonly #caller: AgentCaller;
  readonly #clock: Clock;
  #lists = 0;

  constructor(caller: AgentCaller, clock: Clock) {
    this.#caller = caller;
    this.#clock = clock;
  }

  /** Errors: `already-exists`, `idempotency-mismatch`, `invalid-argument`, `too-large`, those of calls. */
  create(agent: string, spec: AgentSpec, options: AgentCallOptions = {}): Promise<AgentResult<AgentStamp>> {
    return this.#call(agent, 'create', { ...spec }, options);
  }

  /** Errors: `not-found`, those of calls. */
  get(agent: string, options: Omit<AgentCallOptions, 'key'> = {}): Promise<AgentResult<AgentView>> {
    return this.#call(agent, 'get', {}, options);
  }

  /** Errors: `not-found`, `idempotency-mismatch`, `invalid-argument`, `too-large`, those of calls. */
  update(agent: string, changes: AgentChanges, options: AgentCallOptions = {}): Promise<AgentResult<AgentStamp>> {
    return this.#call(agent, 'update', { ...changes }, options);
  }

  /** Nothing of the agent is left but its idempotency keys, for their time. Errors: `not-found`, `idempotency-mismatch`, those of calls. */
  delete(agent: string, options: AgentCallOptions = {}): Promise<AgentResult<AgentStamp>> {
    return this.#call(agent, 'delete', {}, options);
  }

  /** The agents that exist at one moment, up to `limit` (100 when absent) after the one named. Errors: `invalid-argument`, those of calls. */
  async list(
    page: { readonly after?: string | null; readonly limit?: number } = {},
    options: Omit<AgentCallOptions, 'key'> = {},
  ): Promise<AgentResult<AgentPage>> {
    this.#lists += 1;
    const directory = actorRef(AGENT_DIRECTORY, `d${this.#lists % DIRECTORIES}`);
    const { after = null, limit = 100 } = page;
    return typed(await this.#caller.invoke(directory, 'list', { after, limit }, callOptions(options)));
  }

  /**
   * Sends a message and waits until the agent has answered it, or could not. A message that was accepted is worked on whether anybody
   * waits or not. Errors: `not-found`, `overloaded`, `idempotency-mismatch`, `in-progress` (the message of this key is worked on), `timeout`
   * with `unknown` (it was accepted and the deadline has passed), those of calls.
   */
  async sendMessage(agent: string, text: string, options: AgentCallOptions = {}): Promise<AgentResult<MessageOutcome>> {
    const until = this.#clock.monotonicMicros() + (options.deadlineMicros ?? INVOCATION_MICROS_MAX);
    const sent = await this.#call<{ incarnation: string; message: number }>(agent, 'send', { text }, options);
    if (sent.kind !== 'ok') return sent;
    for (let pause = POLL_MICROS_MIN; ; pause = Math.min(2 * pause, POLL_MICROS_MAX)) {
      const left = until - this.#clock.monotonicMicros();
      if (left <= 0) break;
      const seen = await this.#call<MessageOutcome | { readonly status: 'accepted' }>(
        agent,
        'message',
        { ...sent.result },
        { deadlineMicros: left },
      );
      // What is asked for is known to have been accepted, so an answer that fails to come leaves its outcome open.
      if (seen.kind !== 'ok') return { kind: seen.error.code === 'not-found' ? 'error' : 'unknown', error: seen.error };
      if (seen.result.status !== 'accepted') return { kind: 'ok', result: seen.result };
      await this.#clock.sleep(pause);
    }
    return { kind: 'unknown', error: new KelpieError('timeout', `agent ${agent} has not answered in time`, { unsure: true }) };
  }

  async #call<T>(
    agent: string,
    operation: string,
    payload: { readonly [field: string]: unknown },
    options: AgentCallOptions,
  ): Promise<AgentResult<T>> {
    const { key } = options;
    const body = (key === undefined ? payload : { ...payload, key }) as Json;
    return typed(await this.#caller.invoke(agentRef(agent), operation, body, callOptions(options)));
  }
}

const callOptions = ({ deadlineMicros }: AgentCallOptions): ClientCallOptions => (deadlineMicros === undefined ? {} : { deadlineMicros });

/** Operations answer what their names promise. */
const typed = <T>(result: CallResult): AgentResult<T> =>
  result.kind === 'ok' ? { kind: 'ok', result: result.result as unknown as T } : result;
