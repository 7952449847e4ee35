/** What a node lets in: how many calls at all, how many for one actor, and none once it stops. */
import type { ActorKey } from './ids.js';

/** Counts the calls that the node has accepted and not answered. */
export interface Intake {
  /** Accepts a call, unless the node has stopped (`closed`) or holds as many as it may (`full`). Each `in` is followed by one `leave`. */
  enter(): 'in' | 'closed' | 'full';
  leave(): void;
  readonly open: number;
  /** Accepts no more. Resolves when the last accepted call has left. */
  close(): Promise<void>;
  readonly closed: boolean;
}

/** Decides and counts in one step, so that nothing can slip in between. */
export class CountingIntake implements Intake {
  readonly #max: number;
  #open = 0;
  #closed = false;
  readonly #waiters: (() => void)[] = [];

  constructor(max: number) {
    this.#max = max;
  }

  get open(): number {
    return this.#open;
  }

  get closed(): boolean {
    return this.#closed;
  }

  enter(): 'in' | 'closed' | 'full' {
    if (this.#closed) return 'closed';
    if (this.#open >= this.#max) return 'full';
    this.#open += 1;
    return 'in';
  }

  leave(): void {
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

export class CountingAdmission implements Admission {
  readonly #max: number;
  readonly #pending = new Map<ActorKey, number>();

  constructor(max: number) {
    this.#max = max;
  }

  enter(actor: ActorKey): number | undefined {
    const pending = (this.#pending.get(actor) ?? 0) + 1;
    if (pending > this.#max) return undefined;
    this.#pending.set(actor, pending);
    return pending;
  }

  leave(actor: ActorKey): void {
    const pending = (this.#pending.get(actor) ?? 0) - 1;
    if (pending > 0) this.#pending.set(actor, pending);
    else this.#pending.delete(actor);
  }
}
