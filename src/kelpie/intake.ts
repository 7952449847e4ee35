/** What a node lets in: how many calls at all, how many for one actor, and none once it stops. */
import type { ActorKey } from './ids.js';

/**
 * Counts the calls that the node has accepted and not answered, those of each depth for themselves: 0 for a call from outside, 1 for one
 * that an actor makes while it serves that, and so on. A call waits for deeper ones only. If they all had the same places, calls that wait
 * would keep out those that they wait for, until the time of all is over.
 */
export interface Intake {
  /**
   * Accepts a call, unless the node has stopped (`closed`) or holds as many of its depth as it may (`full`). Each `in` is followed by one
   * `leave` of the same depth.
   */
  enter(depth: number): 'in' | 'closed' | 'full';
  leave(depth: number): void;
  readonly open: number;
  /** Accepts no more. Resolves when the last accepted call has left. */
  close(): Promise<void>;
  readonly closed: boolean;
}

/** So many places for each key. Decides and counts in one step, so that nothing can slip in between. */
class Places<Key> {
  readonly #max: number;
  readonly #taken = new Map<Key, number>();

  constructor(max: number) {
    this.#max = max;
  }

  /** How many are taken with this one, or undefined when none is left. */
  enter(key: Key): number | undefined {
    const taken = (this.#taken.get(key) ?? 0) + 1;
    if (taken > this.#max) return undefined;
    this.#taken.set(key, taken);
    return taken;
  }

  leave(key: Key): void {
    const taken = (this.#taken.get(key) ?? 0) - 1;
    if (taken > 0) this.#taken.set(key, taken);
    else this.#taken.delete(key);
  }
}

export class CountingIntake implements Intake {
  /** Of each depth. */
  readonly #places: Places<number>;
  #open = 0;
  #closed = false;
  readonly #waiters: (() => void)[] = [];

  constructor(max: number) {
    this.#places = new Places(max);
  }

  get open(): number {
    return this.#open;
  }

  get closed(): boolean {
    return this.#closed;
  }

  enter(depth: number): 'in' | 'closed' | 'full' {
    if (this.#closed) return 'closed';
    if (this.#places.enter(depth) === undefined) return 'full';
    this.#open += 1;
    return 'in';
  }

  leave(depth: number): void {
    this.#places.leave(depth);
    this.#open -= 1;
    if (this.#open > 0 || !this.#closed) return;
    for (const resolve of this.#waiters.splice(0)) resolve();
  }

  close(): Promise<void> {
    this.#closed = true;
    if (this.#open === 0) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push(resolve));
  }
}

/** Counts the calls that wait for one actor. */
export interface Admission {
  /** The number of calls that wait for the actor with this one, or undefined when there are as many as there may be. */
  enter(actor: ActorKey): number | undefined;
  leave(actor: ActorKey): void;
}

export class CountingAdmission extends Places<ActorKey> implements Admission {}
