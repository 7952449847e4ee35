/** One run of an actor's code: its context, its view of the store, and the means to end it from outside. */
import type { Micros, Random } from '../ports.js';
import type { ActorContext, ActorKv, CallOptions } from './actor.js';
import { KelpieError } from './errors.js';
import { type ActorKey, type ActorRef, operationName, type RequestId, requestId } from './ids.js';
import { checkTextBytes, type Json, toJsonText } from './json.js';
import { type InvocationKv, StoreView } from './kv.js';
import { MESSAGE_BYTES_MAX } from './limits.js';
import type { ActorMemory } from './memory.js';
import type { HeldClaim } from './registry.js';
import type { Runtime } from './runtime.js';

/** A call that an actor makes of another one. */
export interface OutgoingCall {
  readonly target: ActorRef;
  readonly request: RequestId;
  readonly operation: string;
  readonly payload: Json;
  readonly chain: readonly ActorKey[];
  readonly deadlineMicros: Micros;
  readonly mayRepeat: boolean;
}

/** Makes calls for actors. Errors: any `KelpieError`. */
export type MakeCall = (call: OutgoingCall) => Promise<Json>;

export interface InvocationOptions {
  readonly held: HeldClaim;
  readonly memory: ActorMemory;
  readonly request: RequestId | null;
  /** What the ids of its calls start with. */
  readonly callPrefix: string;
  /** The chain of calls that ends with this actor. */
  readonly chain: readonly ActorKey[];
  readonly deadlineMicros: Micros;
  /** Its calls may have been made before, by an earlier run of the same invocation. */
  readonly mayRepeat: boolean;
  /** The code has run before under this very call, and what that run called was not undone with it. */
  readonly again: boolean;
  /** Calls that all runs of this actor have open. */
  readonly callsOpen: { count: number };
  readonly makeCall: MakeCall;
}

/** How a run of the actor's code ended. */
export type RunResult =
  | { readonly kind: 'returned'; readonly value: unknown }
  | { readonly kind: 'threw'; readonly error: unknown }
  | { readonly kind: 'stopped'; readonly why: StopReason };

/** `timeout`: its deadline has passed. `ended`: the activation is over. */
export type StopReason = 'timeout' | 'ended';

export class Invocation implements ActorContext<unknown> {
  readonly actor: ActorRef;
  readonly request: RequestId | null;
  readonly view: StoreView;
  readonly #kv: InvocationKv;
  readonly #runtime: Runtime;
  readonly #options: InvocationOptions;
  #over = false;
  #calls = 0;
  #stateUsed = false;
  #stop: ((why: StopReason) => void) | undefined;
  #stopped: StopReason | undefined;

  constructor(runtime: Runtime, options: InvocationOptions) {
    this.#runtime = runtime;
    this.#options = options;
    this.actor = options.held.actor;
    this.request = options.request;
    this.view = new StoreView(runtime);
    this.#kv = runtime.parts.kv(runtime, options.held, this.view, () => this.#check());
  }

  /** Runs the code once. Afterwards, or once stopped, the context can do no more. */
  run(code: (ctx: ActorContext<unknown>) => unknown): Promise<RunResult> {
    if (this.#stopped !== undefined) return Promise.resolve({ kind: 'stopped', why: this.#stopped });
    return new Promise((resolve) => {
      this.#stop = (why) => resolve({ kind: 'stopped', why });
      let pending: unknown;
      try {
        pending = code(this);
      } catch (error) {
        this.#over = true;
        resolve({ kind: 'threw', error });
        return;
      }
      Promise.resolve(pending).then(
        (value) => {
          this.#over = true;
          resolve({ kind: 'returned', value });
        },
        (error: unknown) => {
          this.#over = true;
          resolve({ kind: 'threw', error });
        },
      );
    });
  }

  /** Ends the run now, whatever the code still does. */
  stop(why: StopReason): void {
    this.#over = true;
    this.#stopped = why;
    this.#stop?.(why);
  }

  /** What the run has written. */
  get written(): InvocationKv {
    return this.#kv;
  }

  /** Whether the code has called other actors: what they did is not undone with it. */
  get called(): boolean {
    return this.#calls > 0;
  }

  /** Whether the code has touched the state, so that it may have changed. */
  get stateUsed(): boolean {
    return this.#stateUsed;
  }

  get state(): unknown {
    this.#check();
    this.#stateUsed = true;
    return this.#options.memory.state;
  }

  set state(state: unknown) {
    this.#check();
    this.#stateUsed = true;
    this.#options.memory.state = state;
  }

  get kv(): ActorKv {
    return this.#kv;
  }

  get random(): Random {
    return this.#runtime.platform.random;
  }

  wallMicros(): Micros {
    return this.#runtime.platform.clock.wallMicros();
  }

  async call(target: ActorRef, operation: string, payload: Json, options: CallOptions = {}): Promise<Json> {
    this.#check();
    const { chain, callPrefix, deadlineMicros, mayRepeat, again, callsOpen, makeCall } = this.#options;
    const { config, teller, platform } = this.#runtime;
    operationName(operation);
    checkTextBytes(toJsonText(payload, 'the payload of a call'), MESSAGE_BYTES_MAX, 'the payload of a call');
    if (chain.includes(target.key)) {
      teller.tell({ type: 'call.reject', actor: this.actor.key, target: target.key, chain });
      throw new KelpieError('reentrant', `${[...chain, target.key].join(' -> ')}: ${target.key} waits in this chain of calls`, { chain });
    }
    if (chain.length > config.callDepth) {
      throw new KelpieError(
        'too-large',
        `a chain of calls may be ${config.callDepth} deep, ${[...chain, target.key].join(' -> ')} is deeper`,
      );
    }
    if (callsOpen.count >= config.callsInFlight) {
      throw new KelpieError(
        'overloaded',
        `${this.actor.key} has ${callsOpen.count} calls open, at most ${config.callsInFlight} are allowed`,
      );
    }
    const request = requestId(`${callPrefix}/${this.#calls}`);
    this.#calls += 1;
    callsOpen.count += 1;
    const at = { actor: this.actor.key, request, target: target.key } as const;
    teller.count('calls');
    teller.tell({ type: 'call.start', ...at, depth: chain.length, inFlight: callsOpen.count });
    let outcome = 'ok';
    try {
      const until = Math.min(deadlineMicros, platform.clock.monotonicMicros() + (options.timeoutMicros ?? config.invocationMicros));
      return await makeCall({ target, request, operation, payload, chain, deadlineMicros: until, mayRepeat });
    } catch (error) {
      const failed = KelpieError.from(error);
      outcome = failed.code;
      // The run before may have had an answer to this call: whoever hears that it failed now must not take it for undone.
      throw again ? failed.asUnsure() : error;
    } finally {
      callsOpen.count -= 1;
      teller.tell({ type: 'call.end', ...at, outcome });
      this.#check();
    }
  }

  #check(): void {
    if (this.#over) throw new KelpieError('actor-deactivated', `this invocation of ${this.actor.key} is over: its context can do no more`);
  }
}
