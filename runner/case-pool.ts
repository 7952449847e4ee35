/**
 * Judges many cases, each by itself, on worker threads that live on from case to case. As in a storm, a case that hangs, eats its
 * memory or takes its worker down gets that as its verdict, and the worker is replaced.
 */
import type { Case } from '../src/run.js';
import { runCase } from './run-case.js';
import type { CaseAnswer, CaseOrder } from './case-pool-worker.js';
import { type CaseVerdict, verdictOf } from './case-verdict.js';
import { WatchedPool, type WatchedPoolOptions } from './watched-pool.js';

export interface CasePoolOptions extends WatchedPoolOptions {
  /** The module that exports the catalogue; the project's own when absent. */
  readonly catalogueUrl?: URL;
  /** Threads to use, with the bounds that they have, and to leave alone afterwards; the pool makes its own when absent. */
  readonly pool?: WatchedPool;
}

const WORKER = new URL('case-pool-worker.js', import.meta.url);

export class CasePool {
  readonly #signal: AbortSignal | undefined;
  readonly #catalogueUrl: URL;
  readonly #pool: WatchedPool;
  readonly #isOwn: boolean;

  constructor(options: CasePoolOptions) {
    this.#signal = options.signal;
    this.#catalogueUrl = options.catalogueUrl ?? new URL('./catalogue.js', import.meta.url);
    this.#isOwn = options.pool === undefined;
    this.#pool = options.pool ?? new WatchedPool(options);
  }

  get workers(): number {
    return this.#pool.workers;
  }

  /** Rejects when aborted, and when the catalogue cannot be loaded or lacks the case's parts. `muted`: labels of faults that do nothing. */
  async judge(run: Case, muted: readonly string[] = []): Promise<CaseVerdict> {
    const attempt = await this.#pool.run<CaseOrder, CaseAnswer>(WORKER, { run, muted, catalogueUrl: this.#catalogueUrl.href });
    if (attempt.kind === 'died') return this.#alone(run);
    const { answer } = attempt;
    if (answer.kind === 'refused') throw new Error(answer.reason);
    return answer.verdict;
  }

  async end(): Promise<void> {
    if (this.#isOwn) await this.#pool.end();
  }

  /** In a fresh worker that tells what became of it. */
  async #alone(run: Case): Promise<CaseVerdict> {
    const { hangTimeoutMs, heapMbMax } = this.#pool;
    const { run: ran } = await runCase(run, {
      hangTimeoutMs,
      heapMbMax,
      catalogueUrl: this.#catalogueUrl,
      ...(this.#signal === undefined ? {} : { signal: this.#signal }),
    });
    return verdictOf(ran);
  }
}
