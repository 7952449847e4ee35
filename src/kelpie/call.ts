/** A call of an actor, and what comes of it. */
import type { Micros } from '../ports.js';
import type { KelpieErrorData } from './errors.js';
import type { ActorKey, ActorRef, RequestId } from './ids.js';
import type { Json } from './json.js';

export interface Call {
  readonly actor: ActorRef;
  readonly request: RequestId;
  readonly operation: string;
  readonly payload: Json;
  /** The actors that wait for this call, outermost first. */
  readonly chain: readonly ActorKey[];
  /** How often it has been passed on between nodes. */
  readonly hops: number;
  /** On the monotonic clock of the node that has the call now. */
  readonly deadlineMicros: Micros;
  /** The request may have been served before: the stored outcome must be looked for before the actor runs. */
  readonly mayRepeat: boolean;
  /** The sender wants this node to claim the actor if it is nowhere. */
  readonly place: boolean;
}

/**
 * `durable`: the outcome is stored with the request, so that every repetition gets the same one. Without it, an answer is good only for
 * the attempt that asked for it: another attempt may have had another outcome.
 */
export type Answer =
  | { readonly ok: true; readonly result: Json; readonly durable: boolean }
  | { readonly ok: false; readonly error: KelpieErrorData };

export const failure = (error: KelpieErrorData): Answer => ({ ok: false, error });

/** What became of a call at one activation. */
export type Delivery =
  | { readonly kind: 'answer'; readonly answer: Answer }
  /** The actor is, or should be, on another node. */
  | { readonly kind: 'elsewhere'; readonly node: string; readonly place: boolean }
  /**
   * The activation ended before it served the call, and the actor was not changed. `called`: its code had begun, and called other actors,
   * which that did not undo.
   */
  | { readonly kind: 'again'; readonly called: boolean };

export const AGAIN: Delivery = { kind: 'again', called: false };
