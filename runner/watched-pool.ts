/**
 * Worker threads that live on from order to order, each order beside a watchdog: one that hangs, eats its memory or takes its worker
 * down is told apart from one that answers, and the worker is replaced.
 */
import { setMaxListeners } from 'node:events';
import { availableParallelism } from 'node:os';
import { setFlagsFromString } from 'node:v8';
import { Tinypool } from 'tinypool';
import { HANG_TIMEOUT_MS, HEAP_MB_MAX } from './run-case.js';
import { watchSeat } from './storm/seat-watch.js';
import { Seat, type SeatBuffers } from './storm/seat.js';

export interface WatchedPoolOptions {
  readonly workers: number;
  /** Wall time without a new event after which a run counts as hung; 10 s when absent. */
  readonly hangTimeoutMs?: number;
  /** Heap of each worker in megabytes; 2048 when absent. */
  readonly heapMbMax?: number;
  /** Ends what is under way; `run` then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** `died`: the order took its worker down with it, or hung, in the `nth` of its runs, from 0. */
export type Attempt<Answer> = { readonly kind: 'answered'; readonly answer: Answer } | { readonly kind: 'died'; readonly nth: number };

/** Room for what a run makes and drops at once. Half of it makes storms 4 % slower. */
const YOUNG_MB = 96;

/**
 * A thread that collects its young garbage calls helpers to it, of which V8 has one for each processor. Where all processors have threads of
 * ours already, they only wait for each other: a storm took 7 % longer with them on two processors.
 */
const collectInOwnThread = (): void => setFlagsFromString('--no-parallel-scavenge');

/**
 * What a thread keeps is a few tens of megabytes, and V8 lets its heap grow to four times of that before it looks through all of it: a storm
 * grew by half in its first minutes. So much more costs 3 to 15 % of the time. To collect between runs costs a third: nothing of a run is alive then,
 * so that V8 throws away the code that it compiled for the shapes of a run's objects.
 */
const keepHeapsSmall = (): void => {
  setFlagsFromString('--heap-growing-percent=60');
  // Otherwise pages of which little is still in use stay, 5 to 10 % of all memory after a thousand runs. It costs no time that shows.
  setFlagsFromString('--compact-on-every-full-gc');
};

export class WatchedPool {
  readonly workers: number;
  readonly hangTimeoutMs: number;
  readonly heapMbMax: number;
  readonly #signal: AbortSignal | undefined;
  readonly #pool: Tinypool;
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor({ workers, hangTimeoutMs = HANG_TIMEOUT_MS, heapMbMax = HEAP_MB_MAX, signal }: WatchedPoolOptions) {
    this.workers = workers;
    this.#free = workers;
    this.hangTimeoutMs = hangTimeoutMs;
    this.heapMbMax = heapMbMax;
    this.#signal = signal;
    keepHeapsSmall();
    if (workers >= availableParallelism()) collectInOwnThread();
    // One listener for each order that waits.
    if (signal !== undefined) setMaxListeners(0, signal);
    this.#pool = new Tinypool({
      minThreads: workers,
      maxThreads: workers,
      // A worker that sleeps in an atomic wait cannot write out what its programs printed.
      useAtomics: false,
      resourceLimits: { maxOldGenerationSizeMb: heapMbMax, maxYoungGenerationSizeMb: YOUNG_MB },
    });
    // A worker that dies between two orders is replaced, and no order was in it.
    this.#pool.on('error', (error: Error) => console.error(`kelpie-dst: an idle worker died and was replaced: ${error.message}`));
  }

  /**
   * Rejects when aborted, and for an order that never began.
   * @param worker the module whose default export takes the order. A thread keeps what it has loaded: orders of another module find the
   *   program under test compiled.
   */
  async run<Order extends { readonly seat: SeatBuffers }, Answer>(worker: URL, order: Omit<Order, 'seat'>): Promise<Attempt<Answer>> {
    const signal = this.#signal;
    signal?.throwIfAborted();
    // Until a thread is free, there is nothing to watch: an order that waits for its turn does not hang.
    await this.#takeThread();
    try {
      signal?.throwIfAborted();
      return await this.#watched<Answer>(worker, order);
    } finally {
      this.#freeThread();
    }
  }

  async #watched<Answer>(worker: URL, order: object): Promise<Attempt<Answer>> {
    const signal = this.#signal;
    const seat = new Seat();
    const ending = new AbortController();
    const abort = (): void => ending.abort();
    signal?.addEventListener('abort', abort);
    const watch = watchSeat(seat, this.hangTimeoutMs, abort);
    try {
      return {
        kind: 'answered',
        answer: (await this.#pool.run({ ...order, seat: seat.buffers }, { filename: worker.href, signal: ending.signal })) as Answer,
      };
    } catch (error) {
      signal?.throwIfAborted();
      const { nth } = seat.read();
      // Nothing had begun: the order is not to blame, and trying again would fail again.
      if (nth < 0) throw error;
      return { kind: 'died', nth };
    } finally {
      watch.end();
      signal?.removeEventListener('abort', abort);
    }
  }

  #takeThread(): Promise<void> | undefined {
    if (this.#free === 0) return new Promise((go) => this.#waiting.push(go));
    this.#free--;
    return undefined;
  }

  #freeThread(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free++;
    else next();
  }

  async end(): Promise<void> {
    await this.#pool.destroy();
  }
}
