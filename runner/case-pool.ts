/**
 * Judges many cases, each by itself, on worker threads that live on from case to case. As in a storm, a case that hangs, eats its
 * memory or takes its worker down gets that as its verdict, and the worker is replaced.
 */
import { setMaxListeners } from 'node:events';
import { Tinypool } from 'tinypool';
import type { Case } from '../src/run.js';
import { HANG_TIMEOUT_MS, HEAP_MB_MAX, runCase, YOUNG_MB } from './run-case.js';
import type { CaseAnswer, CaseOrder } from './case-pool-worker.js';
import { type CaseVerdict, verdictOf } from './case-verdict.js';
import { watchSeat } from './storm/seat-watch.js';
import { Seat } from './storm/seat.js';

export interface CasePoolOptions {
  readonly workers: number;
  /** The module that exports the catalogue; the project's own when absent. */
  readonly catalogueUrl?: URL;
  /** Wall time without a new event after which a run counts as hung; 10 s when absent. */
  readonly hangTimeoutMs?: number;
  /** Heap of each worker in megabytes; 2048 when absent. */
  readonly heapMbMax?: number;
  /** Ends what is under way; `judge` then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

export class CasePool {
  readonly workers: number;
  readonly #options: CasePoolOptions;
  readonly #catalogueUrl: URL;
  readonly #hangTimeoutMs: number;
  readonly #heapMbMax: number;
  readonly #pool: Tinypool;

  constructor(options: CasePoolOptions) {
    this.workers = options.workers;
    this.#options = options;
    this.#catalogueUrl = options.catalogueUrl ?? new URL('./catalogue.js', import.meta.url);
    this.#hangTimeoutMs = options.hangTimeoutMs ?? HANG_TIMEOUT_MS;
    this.#heapMbMax = options.heapMbMax ?? HEAP_MB_MAX;
    // One listener for each case that waits.
    if (options.signal !== undefined) setMaxListeners(0, options.signal);
    this.#pool = new Tinypool({
      filename: new URL('case-pool-worker.js', import.meta.url).href,
      minThreads: options.workers,
      maxThreads: options.workers,
      // A worker that sleeps in an atomic wait cannot write out what its programs printed.
      useAtomics: false,
      resourceLimits: { maxOldGenerationSizeMb: this.#heapMbMax, maxYoungGenerationSizeMb: YOUNG_MB },
    });
    // A worker that dies between two cases is replaced, and no case was in it.
    this.#pool.on('error', (error: Error) => console.error(`kelpie-dst: an idle worker died and was replaced: ${error.message}`));
  }

  /** Rejects when aborted, and when the catalogue cannot be loaded or lacks the case's parts. `muted`: labels of faults that do nothing. */
  async judge(run: Case, muted: readonly string[] = []): Promise<CaseVerdict> {
    const { signal } = this.#options;
    signal?.throwIfAborted();
    const seat = new Seat();
    const order: CaseOrder = { run, muted, seat: seat.buffers, catalogueUrl: this.#catalogueUrl.href };
    const ending = new AbortController();
    const abort = (): void => ending.abort();
    signal?.addEventListener('abort', abort);
    const watch = watchSeat(seat, this.#hangTimeoutMs, abort);
    let answer: CaseAnswer;
    try {
      answer = (await this.#pool.run(order, { signal: ending.signal })) as CaseAnswer;
    } catch (error) {
      signal?.throwIfAborted();
      // Nothing had begun: the case is not to blame, and trying again would fail again.
      if (seat.read().nth < 0) throw error;
      return this.#alone(run);
    } finally {
      watch.end();
      signal?.removeEventListener('abort', abort);
    }
    if (answer.kind === 'refused') throw new Error(answer.reason);
    return answer.verdict;
  }

  async end(): Promise<void> {
    await this.#pool.destroy();
  }

  /** In a fresh worker that tells what became of it. */
  async #alone(run: Case): Promise<CaseVerdict> {
    const { signal } = this.#options;
    const { run: ran } = await runCase(run, {
      hangTimeoutMs: this.#hangTimeoutMs,
      heapMbMax: this.#heapMbMax,
      catalogueUrl: this.#catalogueUrl,
      ...(signal === undefined ? {} : { signal }),
    });
    return verdictOf(ran);
  }
}
