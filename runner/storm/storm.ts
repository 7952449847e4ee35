/**
 * Runs a plan on worker threads. Runs are handed out in order, in small batches. A run that hangs, eats its memory or takes its worker
 * down is judged alone in a fresh worker, and the rest of its batch is run again elsewhere: so each run's verdict is its own, whoever
 * shared a worker with it.
 */
import type { Catalogue } from '../catalogue.js';
import type { Visits } from '../conformance/visits.js';
import { runCase } from '../run-case.js';
import { Twin } from '../twin/twin.js';
import { type Attempt, WatchedPool, type WatchedPoolOptions } from '../watched-pool.js';
import { type Batch, batchSize, type BatchSource, CountedBatches } from './batches.js';
import { caseAt, type Plan, runsOf } from './plan.js';
import { afterTwin, resultOf, type SeedResult } from './seed-result.js';
import type { BatchAnswer, BatchOrder } from './storm-worker.js';

export interface StormOptions extends WatchedPoolOptions {
  readonly catalogue: Catalogue;
  /** The module that exports this catalogue; the project's own when absent. */
  readonly catalogueUrl?: URL;
  /** Workers to use, with the bounds that they have, and to leave alone afterwards; the storm makes its own when absent. */
  readonly pool?: WatchedPool;
  /** Wall time after which no more runs are handed out. */
  readonly budgetMs?: number;
  /** Every n-th run is done again in another process, and must do the same there. Absent is never. */
  readonly twinOneIn?: number;
  /** Hands out no more runs after the first failure. */
  readonly failFast?: boolean;
  /** Positions that are done already. */
  readonly done?: ReadonlySet<number>;
  /** Where the batches come from; all that is not done, in order, when absent. */
  readonly source?: BatchSource;
  /**
   * Takes the results of a finished batch, and what its runs have visited of the specs; that worker runs one more batch at most before it
   * has. A run that took its worker down shows no visits.
   */
  readonly onResults: (results: readonly SeedResult[], visits: readonly Visits[]) => void | Promise<void>;
}

/** `queue-lost`: the Redis that it shared with other machines. */
export type Stopped = 'budget' | 'fail-fast' | 'interrupted' | 'queue-lost';

/** What the runs of a batch have come to, before the twins. */
interface Ran {
  readonly results: readonly SeedResult[];
  readonly visits: readonly Visits[];
}

const WORKER = new URL('storm-worker.js', import.meta.url);

/** Says why it stopped before the end of the plan, if it did. Rejects when the catalogue cannot be loaded or lacks the plan's parts, and when `onResults` does. */
export async function runStorm(plan: Plan, options: StormOptions): Promise<Stopped | undefined> {
  return new Storm(plan, options).run();
}

class Storm {
  readonly #plan: Plan;
  readonly #options: StormOptions;
  readonly #catalogueUrl: URL;
  readonly #pool: WatchedPool;
  readonly #source: BatchSource;
  readonly #twin: Twin;
  readonly #begunMs = performance.now();
  #stopped: Stopped | undefined;
  #broken = false;

  constructor(plan: Plan, options: StormOptions) {
    this.#plan = plan;
    this.#options = options;
    this.#catalogueUrl = options.catalogueUrl ?? new URL('../catalogue.js', import.meta.url);
    const { signal } = options;
    this.#twin = new Twin({ catalogueUrl: this.#catalogueUrl, ...(signal === undefined ? {} : { signal }) });
    this.#pool = options.pool ?? new WatchedPool(options);
    this.#source =
      options.source ?? new CountedBatches(runsOf(plan), batchSize(options.failFast === true), options.done ?? new Set<number>());
  }

  async run(): Promise<Stopped | undefined> {
    try {
      await Promise.all(Array.from({ length: this.#options.workers }, () => this.#work()));
    } finally {
      this.#twin.end();
      if (this.#options.pool === undefined) await this.#pool.end();
    }
    return this.#stopped;
  }

  /** One worker's share: batches until there are no more. Each runs while the twins of the one before are made, so that no thread waits for them. */
  async #work(): Promise<void> {
    let finishing: Promise<void> = Promise.resolve();
    try {
      for (let batch = await this.#take(); batch !== undefined; batch = await this.#take()) {
        const [ran, before] = await Promise.allSettled([this.#runBatch(batch.positions), finishing]);
        if (ran.status === 'rejected' || before.status === 'rejected') {
          await batch.giveBack();
          throw ran.status === 'rejected' ? ran.reason : (before as PromiseRejectedResult).reason;
        }
        finishing = this.#finish(batch, ran.value);
        // It is waited for below. Until then nobody hears of a failure, and that would end the process.
        finishing.catch(() => undefined);
        // Whoever stops at the first failure has to know of it before the next one.
        if (this.#options.failFast === true) await finishing;
      }
      await finishing;
    } catch (error) {
      // Whatever rejects, the others stop too; interrupted batches reject because of the signal, and that is no error.
      this.#broken = true;
      if (this.#options.signal?.aborted !== true) throw error;
      this.#stopped = 'interrupted';
    }
  }

  async #take(): Promise<Batch | undefined> {
    const { signal, budgetMs } = this.#options;
    if (this.#broken) return undefined;
    if (signal?.aborted === true) this.#stopped = 'interrupted';
    // Only where there is a run left is anything stopped.
    return this.#source.take(() => {
      if (budgetMs !== undefined && performance.now() - this.#begunMs >= budgetMs) this.#stopped ??= 'budget';
      return this.#stopped === undefined && !this.#broken;
    });
  }

  async #runBatch(batch: readonly number[]): Promise<Ran> {
    let left = batch;
    const alone: SeedResult[] = [];
    while (left.length > 0) {
      const outcome = await this.#attempt(left);
      if (outcome.kind === 'answered') return { results: [...alone, ...outcome.answer.results], visits: outcome.answer.visits };
      const culprit = left[outcome.nth] as number; // the seat counts the runs of this very batch
      const { run } = await runCase(caseAt(this.#plan, culprit, this.#options.catalogue), {
        hangTimeoutMs: this.#pool.hangTimeoutMs,
        heapMbMax: this.#pool.heapMbMax,
        catalogueUrl: this.#catalogueUrl,
        ...(this.#options.signal === undefined ? {} : { signal: this.#options.signal }),
      });
      alone.push(resultOf(run, culprit));
      left = left.filter((position) => position !== culprit);
    }
    return { results: alone, visits: [] };
  }

  async #finish(batch: Batch, ran: Ran): Promise<void> {
    try {
      const results = await Promise.all(ran.results.map((result) => this.#twinned(result)));
      if (this.#options.failFast === true && results.some(({ verdict }) => verdict !== 'pass')) this.#stopped ??= 'fail-fast';
      await this.#options.onResults(results, ran.visits);
    } catch (error) {
      await batch.giveBack();
      throw error;
    }
    await batch.end();
  }

  /** Chosen by position, so that it does not depend on the workers. A run without an end has nothing to compare. */
  async #twinned(result: SeedResult): Promise<SeedResult> {
    const { twinOneIn, catalogue } = this.#options;
    if (twinOneIn === undefined || result.position % twinOneIn !== 0 || result.traceHash === '') return result;
    return afterTwin(result, await this.#twin.check(caseAt(this.#plan, result.position, catalogue), result));
  }

  /** `died` tells the run that was going on when the worker was lost. */
  async #attempt(positions: readonly number[]): Promise<Attempt<Extract<BatchAnswer, { kind: 'done' }>>> {
    const attempt = await this.#pool.run<BatchOrder, BatchAnswer>(WORKER, {
      plan: this.#plan,
      positions,
      catalogueUrl: this.#catalogueUrl.href,
    });
    if (attempt.kind === 'died') return attempt;
    const { answer } = attempt;
    if (answer.kind === 'refused') throw new Error(answer.reason);
    return { kind: 'answered', answer };
  }
}
