/** What a user of Kelpie writes and sees: actors, and the context they run in. */
import type { Micros, Random } from '../ports.js';
import type { ActorRef, RequestId } from './ids.js';
import type { Json } from './json.js';

/**
 * The code of one actor. One invocation runs at a time; what it does to `ctx.state` and `ctx.kv` commits together when it returns,
 * or not at all. After a conflict it runs again from the same snapshot, so it must not act on the world but through `ctx`.
 */
export interface Actor<State> {
  /** The state of an actor that has none stored. */
  initialState(): State;
  /** Whatever it throws fails the call: a `KelpieError` with its own code, anything else as `actor-error`. */
  invoke(ctx: ActorContext<State>, operation: string, payload: Json): Promise<Json | undefined> | Json | undefined;
  /** Runs before the first invocation. What it changes commits before the actor is active; a throw fails the activation. */
  onActivate?(ctx: ActorContext<State>): Promise<void> | void;
  /** Runs after the last invocation. What it changes commits; a throw drops that and nothing else. */
  onDeactivate?(ctx: ActorContext<State>): Promise<void> | void;
}

/** All actors of one namespace. */
export interface ActorType<State = unknown> {
  readonly namespace: string;
  /** Deactivates after this long without a call; the node's setting when absent. At most one hour. */
  readonly idleMicros?: Micros;
  create(actor: ActorRef): Actor<State>;
}

/** What an actor may do during one invocation. After it has ended (or timed out) every use throws `actor-deactivated`. */
export interface ActorContext<State> {
  readonly actor: ActorRef;
  /** The request that is served; null in `onActivate` and `onDeactivate`. */
  readonly request: RequestId | null;
  /** JSON-serialisable. May be changed in place or replaced; `undefined` deletes it. */
  state: State;
  readonly kv: ActorKv;
  readonly random: Random;
  /** The node's wall clock; it may jump. */
  wallMicros(): Micros;
  /**
   * Calls another actor and returns its answer. It runs at most once for this place in this invocation, however often the
   * invocation itself runs. Retriable failures are tried again until the deadline of this invocation.
   * Errors: `reentrant` for an actor that waits in the chain of calls, `overloaded` for too many calls at once or in depth.
   */
  call(target: ActorRef, operation: string, payload: Json, options?: CallOptions): Promise<Json>;
}

export interface CallOptions {
  readonly timeoutMicros?: Micros;
}

export interface KvEntry {
  readonly key: string;
  readonly value: Json;
}

export interface ListOptions {
  /** At most this many, from the front (or from the back with `reverse`). Without it, more than 10,000 are an error. */
  readonly limit?: number;
  readonly reverse?: boolean;
}

/**
 * The actor's own ordered key-value space. Writes wait in a buffer and are seen by later reads of the same invocation. Keys are
 * ordered by their UTF-8 bytes. Errors: `too-large`, `invalid-argument`, `corrupted`, `transaction-conflict`.
 */
export interface ActorKv {
  get(key: string): Promise<Json | undefined>;
  has(key: string): Promise<boolean>;
  set(key: string, value: Json): Promise<void>;
  delete(key: string): Promise<void>;
  /** Deletes every key. */
  clear(): Promise<void>;
  /** The keys that start with `prefix`, in order. */
  list(prefix: string, options?: ListOptions): Promise<readonly string[]>;
  /** The entries with `begin <= key < end`, in order. */
  range(begin: string, end: string, options?: ListOptions): Promise<readonly KvEntry[]>;
}
