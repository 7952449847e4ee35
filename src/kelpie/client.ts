/**
 * A client of the cluster. It sends calls to nodes, and sends them again under the same request id while that can help, so that a call
 * takes effect at most once although messages and nodes are lost.
 */
import type { Micros, NodeId, Platform } from '../ports.js';
import { Deadlines } from './deadlines.js';
import { isRetriable, KelpieError, type KelpieErrorData } from './errors.js';
import { type ActorRef, nodeId, operationName, type RequestId, requestId } from './ids.js';
import { type Json, toJsonText } from './json.js';
import { INVOCATION_MICROS_MAX, OUTCOME_KEPT_MICROS, REQUEST_ID_BYTES_ROOT_MAX, RPC_MICROS_MAX } from './limits.js';
import { ADMIN, encodeOrder, expectSuccess } from './migration/messages.js';
import { pauseMicros } from './retry.js';
import { Rpc } from './rpc.js';
import { Teller } from './tell.js';
import { checkPayload, decodeAnswer, encodeCall, INVOKE } from './wire.js';

export type CallResult =
  | { readonly kind: 'ok'; readonly result: Json }
  /** It has not taken effect and never will. */
  | { readonly kind: 'error'; readonly error: KelpieError }
  /** It may have taken effect, or may still. */
  | { readonly kind: 'unknown'; readonly error: KelpieError };

export interface ClientOptions {
  /** Nodes to ask, in any order. */
  readonly nodes: readonly NodeId[];
  /** How long one attempt waits for its answer. */
  readonly attemptMicros?: Micros;
  /** How long a call may take over all attempts, when it does not say. At most one hour: so long a repetition is known as one. */
  readonly deadlineMicros?: Micros;
}

export interface ClientCallOptions {
  /** Repeating a call with the same id takes effect at most once. One is made when absent. */
  readonly requestId?: string;
  /** How long it may take over all attempts. */
  readonly deadlineMicros?: Micros;
}

const ATTEMPT_MICROS_DEFAULT: Micros = 5_000_000;

export class KelpieClient {
  readonly #platform: Platform;
  readonly #deadlines: Deadlines;
  readonly #teller: Teller;
  readonly #rpc: Rpc;
  readonly #nodes: readonly NodeId[];
  readonly #attemptMicros: Micros;
  readonly #deadlineMicros: Micros;
  readonly #name: string;
  #calls = 0;
  /** Which node is asked next; stays while it answers. */
  #turn: number;

  /** Takes the one handler of the platform's transport. Errors: `invalid-argument`. */
  constructor(platform: Platform, options: ClientOptions) {
    const { nodes, attemptMicros = ATTEMPT_MICROS_DEFAULT, deadlineMicros = INVOCATION_MICROS_MAX } = options;
    if (nodes.length === 0) throw new KelpieError('invalid-argument', 'a client needs at least one node to ask');
    positive('attemptMicros', attemptMicros, RPC_MICROS_MAX);
    positive('deadlineMicros', deadlineMicros, OUTCOME_KEPT_MICROS);
    this.#nodes = nodes.map(nodeId);
    this.#platform = platform;
    this.#attemptMicros = attemptMicros;
    this.#deadlineMicros = deadlineMicros;
    this.#deadlines = new Deadlines(platform.clock);
    this.#teller = new Teller(platform.tracer);
    this.#rpc = new Rpc(platform, this.#deadlines, this.#teller);
    this.#rpc.listen();
    const random = platform.random.fork('client');
    // Two lives of one client must not make the same request ids.
    this.#name = `${platform.node}-${random.int(2 ** 52).toString(36)}`;
    this.#turn = random.int(nodes.length);
  }

  /** Never rejects for what happens in the cluster. Errors: `invalid-argument`, `too-large` for what can never be sent. */
  async invoke(actor: ActorRef, operation: string, payload: Json, options: ClientCallOptions = {}): Promise<CallResult> {
    operationName(operation);
    checkPayload(toJsonText(payload, 'the payload'));
    this.#calls += 1;
    const request = requestId(options.requestId ?? `${this.#name}-${this.#calls}`, REQUEST_ID_BYTES_ROOT_MAX);
    const total = positive('deadlineMicros', options.deadlineMicros ?? this.#deadlineMicros, OUTCOME_KEPT_MICROS);
    this.#teller.tell({ type: 'client.invoke', request, actor: actor.key, operation });
    const result = await this.#attempts(actor, request, operation, payload, total, options.requestId !== undefined);
    this.#teller.tell({
      type: 'client.answer',
      request,
      outcome: result.kind,
      code: result.kind === 'ok' ? null : result.error.code,
    });
    return result;
  }

  /**
   * Asks a node to see to it that an active actor is moved, and the next one where no answer comes: an order is carried out at least once,
   * or not at all. What is refused is not asked again, except after an order that may have been carried out. Never rejects for what happens in
   * the cluster. `error`: it was not moved; `unknown`: it may have been, or may still be. Errors: `invalid-argument` for what can never be sent.
   */
  async migrate(actor: ActorRef, to: NodeId, options: { readonly deadlineMicros?: Micros } = {}): Promise<CallResult> {
    const { clock } = this.#platform;
    const total = positive('deadlineMicros', options.deadlineMicros ?? RPC_MICROS_MAX, RPC_MICROS_MAX);
    const deadline = clock.monotonicMicros() + total;
    const order = { actor, to: nodeId(to), passedOn: false } as const;
    let unsure = false;
    let last = new KelpieError('timeout', `no node answered in ${total} microseconds`);
    for (let attempt = 1; ; attempt++) {
      const left = deadline - clock.monotonicMicros();
      const turn = this.#turn;
      const asked = this.#nodes[turn % this.#nodes.length];
      if (left <= 0 || asked === undefined) break;
      const reply = await this.#rpc.request(asked, ADMIN, encodeOrder({ ...order, again: unsure }), Math.min(this.#attemptMicros, left));
      try {
        expectSuccess(reply, asked);
        return { kind: 'ok', result: null };
      } catch (error) {
        last = KelpieError.from(error);
      }
      if (reply.kind === 'reply') {
        unsure ||= last.unsure;
        if (!unsure || !last.retriable) break;
      } else {
        unsure ||= reply.kind === 'timeout';
        this.#leave(turn);
      }
      await this.#pause(attempt, deadline);
    }
    return unsure ? { kind: 'unknown', error: last.asUnsure() } : { kind: 'error', error: last };
  }

  /**
   * Asks the next node from now on, unless another call has turned to it already: calls that fail at one node together must not turn
   * as often as they are many, past every node that answers and back to this one.
   */
  #leave(turn: number): void {
    if (this.#turn === turn) this.#turn += 1;
  }

  /** Before the next attempt, and no longer than until the deadline. */
  async #pause(attempt: number, deadline: Micros): Promise<void> {
    const { clock, random } = this.#platform;
    const pause = Math.min(pauseMicros(attempt, random), deadline - clock.monotonicMicros());
    if (pause > 0) await clock.sleep(pause);
  }

  /** Calls under way end with what is known of them. */
  async close(): Promise<void> {
    this.#rpc.close();
    this.#deadlines.close();
    await this.#platform.transport.close();
  }

  async #attempts(
    actor: ActorRef,
    request: RequestId,
    operation: string,
    payload: Json,
    total: Micros,
    mayRepeat: boolean,
  ): Promise<CallResult> {
    const { clock } = this.#platform;
    const deadline = clock.monotonicMicros() + total;
    // An attempt without a final word may take effect later, so no later failure is the last word either.
    let unsure = false;
    let last: KelpieErrorData = { code: 'timeout', message: `no node answered in ${total} microseconds` };
    for (let attempt = 1; ; attempt++) {
      const left = deadline - clock.monotonicMicros();
      const turn = this.#turn;
      const to = this.#nodes[turn % this.#nodes.length];
      if (left <= 0 || to === undefined) break;
      this.#teller.tell({ type: 'client.attempt', request, attempt, to });
      const body = encodeCall(
        {
          actor,
          request,
          operation,
          payload,
          chain: [],
          hops: 0,
          deadlineMicros: deadline,
          mayRepeat: mayRepeat || attempt > 1,
          place: false,
        },
        Math.min(left, INVOCATION_MICROS_MAX),
      );
      const reply = await this.#rpc.request(to, INVOKE, body, Math.min(this.#attemptMicros, left));
      if (reply.kind === 'reply') {
        const answer = decodeAnswer(reply.body);
        if (answer.ok) return { kind: 'ok', result: answer.result };
        last = answer.error;
        unsure ||= last.unsure === true;
        if (!isRetriable(last.code)) break;
        // Another node may know better, unless it is the actor that has too much to do.
        if (last.code !== 'overloaded') this.#leave(turn);
      } else {
        unsure ||= reply.kind === 'timeout';
        last =
          reply.kind === 'timeout'
            ? { code: 'timeout', message: `${to} did not answer in time` }
            : { code: 'node-unavailable', message: `nothing can be sent to ${to}: ${reply.error.message}` };
        this.#leave(turn);
      }
      await this.#pause(attempt, deadline);
    }
    const error = KelpieError.fromData(unsure ? { ...last, unsure } : last);
    return { kind: unsure ? 'unknown' : 'error', error };
  }
}

/** Errors: `invalid-argument`. */
function positive(field: string, value: Micros, max: Micros): Micros {
  if (!Number.isSafeInteger(value) || value < 1 || value > max) {
    throw new KelpieError('invalid-argument', `${field} must be an integer from 1 to ${max}, is ${value}`);
  }
  return value;
}
