/**
 * Runs a plan on worker threads. Runs are handed out in order, in small batches. A run that hangs, eats its memory or takes its worker
 * down is judged alone in a fresh worker, and the rest of its batch is run again elsewhere: so each run's verdict is its own, whoever
 * shared a worker with it.
 */
import { Tinypool } from 'tinypool';
import type { Catalogue } from '../catalogue.js';
import type { Visits } from '../conformance/visits.js';
import { HANG_TIMEOUT_MS, HEAP_MB_MAX, runCase, YOUNG_MB } from '../run-case.js';
import { Twin } from '../twin/twin.js';
import { caseAt, type Plan, runsOf } from './plan.js';
import { watchSeat } from './seat-watch.js';
import { Seat } from './seat.js';
import { afterTwin, resultOf, type SeedResult } from './seed-result.js';
import type { BatchAnswer, BatchOrder } from './storm-worker.js';

export interface StormOptions {
  readonly catalogue: Catalogue;
  /** The module that exports this catalogue; the project's own when absent. */
  readonly catalogueUrl?: URL;
  readonly workers: number;
  /** Workers to use, and to leave alone afterwards; the storm makes its own when absent. */
  readonly pool?: Tinypool;
  /** Wall time without a new event after which a run counts as hung; 10 s when absent. */
  readonly hangTimeoutMs?: number;
  /** Heap of each worker in megabytes; 2048 when absent. */
  readonly heapMbMax?: number;
  /** Wall time after which no more runs are handed out. */
  readonly budgetMs?: number;
  /** Every n-th run is done again in another process, and must do the same there. Absent is never. */
  readonly twinOneIn?: number;
  /** Hands out no more runs after the first failure. */
  readonly failFast?: boolean;
  /** Ends the storm with what there is. */
  readonly signal?: AbortSignal;
  /** Positions that are done already. */
  readonly done?: ReadonlySet<number>;
  /**
   * Takes the results of a finished batch, and what its runs have visited of the specs; the next batch of that worker waits for it. A
   * run that took its worker down shows no visits.
   */
  readonly onResults: (results: readonly SeedResult[], visits: readonly Visits[]) => void | Promise<void>;
}

export type Stopped = 'budget' | 'fail-fast' | 'interrupted';

/** Small, so that little is lost with a batch; not one, so that handing out costs little. */
const BATCH = 8;

/** Threads that run batches of any plan, one batch a thread at a time. */
export function stormPool(workers: number, heapMbMax: number = HEAP_MB_MAX): Tinypool {
  const pool = new Tinypool({
    filename: new URL('storm-worker.js', import.meta.url).href,
    minThreads: workers,
    maxThreads: workers,
    // A worker that sleeps in an atomic wait cannot write out what its programs printed.
    useAtomics: false,
    resourceLimits: { maxOldGenerationSizeMb: heapMbMax, maxYoungGenerationSizeMb: YOUNG_MB },
  });
  // A worker that dies between two batches is replaced, and no run of ours was in it.
  pool.on('error', (error: Error) => console.error(`kelpie-dst: an idle worker died and was replaced: ${error.message}`));
  return pool;
}

/** Says why it stopped before the end of the plan, if it did. Rejects when the catalogue cannot be loaded or lacks the plan's parts, and when `onResults` does. */
export async function runStorm(plan: Plan, options: StormOptions): Promise<Stopped | undefined> {
  return new Storm(plan, options).run();
}

class Storm {
  readonly #plan: Plan;
  readonly #options: StormOptions;
  readonly #catalogueUrl: URL;
  readonly #hangTimeoutMs: number;
  readonly #heapMbMax: number;
  readonly #pool: Tinypool;
  readonly #batch: number;
  readonly #runs: number;
  readonly #twin: Twin;
  readonly #begunMs = performance.now();
  #next = 0;
  #stopped: Stopped | undefined;
  #broken = false;

  constructor(plan: Plan, options: StormOptions) {
    this.#plan = plan;
    this.#options = options;
    this.#runs = runsOf(plan);
    this.#catalogueUrl = options.catalogueUrl ?? new URL('../catalogue.js', import.meta.url);
    this.#hangTimeoutMs = options.hangTimeoutMs ?? HANG_TIMEOUT_MS;
    this.#heapMbMax = options.heapMbMax ?? HEAP_MB_MAX;
    const { signal } = options;
    this.#twin = new Twin({ catalogueUrl: this.#catalogueUrl, ...(signal === undefined ? {} : { signal }) });
    this.#pool = options.pool ?? stormPool(options.workers, this.#heapMbMax);
    // Whoever ends at the first failure wants nothing run beyond it.
    this.#batch = options.failFast === true ? 1 : BATCH;
  }

  async run(): Promise<Stopped | undefined> {
    try {
      await Promise.all(Array.from({ length: this.#options.workers }, () => this.#work()));
    } finally {
      this.#twin.end();
      if (this.#options.pool === undefined) await this.#pool.destroy();
    }
    return this.#stopped;
  }

  /** One worker's share: batches until there are no more. */
  async #work(): Promise<void> {
    try {
      for (let batch = this.#take(); batch.length > 0; batch = this.#take()) await this.#runBatch(batch);
    } catch (error) {
      // Whatever rejects, the others stop too; interrupted batches reject because of the signal, and that is no error.
      this.#broken = true;
      if (this.#options.signal?.aborted !== true) throw error;
      this.#stopped = 'interrupted';
    }
  }

  #take(): readonly number[] {
    const { signal, budgetMs, done } = this.#options;
    const batch: number[] = [];
    if (this.#broken) return batch;
    if (signal?.aborted === true) this.#stopped = 'interrupted';
    while (batch.length < this.#batch && this.#next < this.#runs) {
      if (done?.has(this.#next) === true) {
        this.#next++;
        continue;
      }
      // Only where there is a run left is anything stopped.
      if (budgetMs !== undefined && performance.now() - this.#begunMs >= budgetMs) this.#stopped ??= 'budget';
      if (this.#stopped !== undefined) return [];
      batch.push(this.#next++);
    }
    return batch;
  }

  async #runBatch(batch: readonly number[]): Promise<void> {
    let left = batch;
    while (left.length > 0) {
      const outcome = await this.#attempt(left);
      if (outcome.kind === 'done') return this.#finished(outcome.results, outcome.visits);
      const culprit = left[outcome.nth] as number; // the seat counts the runs of this very batch
      const { run } = await runCase(caseAt(this.#plan, culprit, this.#options.catalogue), {
        hangTimeoutMs: this.#hangTimeoutMs,
        heapMbMax: this.#heapMbMax,
        catalogueUrl: this.#catalogueUrl,
        ...(this.#options.signal === undefined ? {} : { signal: this.#options.signal }),
      });
      await this.#finished([resultOf(run, culprit)], []);
      left = left.filter((position) => position !== culprit);
    }
  }

  async #finished(single: readonly SeedResult[], visits: readonly Visits[]): Promise<void> {
    const results = await Promise.all(single.map((result) => this.#twinned(result)));
    if (this.#options.failFast === true && results.some(({ verdict }) => verdict !== 'pass')) this.#stopped ??= 'fail-fast';
    await this.#options.onResults(results, visits);
  }

  /** Chosen by position, so that it does not depend on the workers. A run without an end has nothing to compare. */
  async #twinned(result: SeedResult): Promise<SeedResult> {
    const { twinOneIn, catalogue } = this.#options;
    if (twinOneIn === undefined || result.position % twinOneIn !== 0 || result.traceHash === '') return result;
    return afterTwin(result, await this.#twin.check(caseAt(this.#plan, result.position, catalogue), result));
  }

  /** Runs a batch in the pool beside a watchdog. `died` tells the run that was going on when the worker was lost. */
  async #attempt(
    positions: readonly number[],
  ): Promise<Extract<BatchAnswer, { kind: 'done' }> | { readonly kind: 'died'; readonly nth: number }> {
    const seat = new Seat();
    const order: BatchOrder = { plan: this.#plan, positions, seat: seat.buffers, catalogueUrl: this.#catalogueUrl.href };
    const { signal } = this.#options;
    const ending = new AbortController();
    const abort = (): void => ending.abort();
    signal?.addEventListener('abort', abort);
    const watchdog = watchSeat(seat, this.#hangTimeoutMs, abort);
    let answer: BatchAnswer;
    try {
      answer = (await this.#pool.run(order, { signal: ending.signal })) as BatchAnswer;
    } catch (error) {
      const { nth } = seat.read();
      // Nothing of the batch had begun: no run is to blame, and trying again would fail again.
      if (signal?.aborted === true || nth < 0) throw error;
      return { kind: 'died', nth };
    } finally {
      watchdog.end();
      signal?.removeEventListener('abort', abort);
    }
    if (answer.kind === 'refused') throw new Error(answer.reason);
    return answer;
  }
}
