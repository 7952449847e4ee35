/** Does runs again on the threads of a storm, to see what faults did in them. */
import type { Case } from '../../src/run.js';
import type { WatchedPool } from '../watched-pool.js';
import type { PotencyAnswer, PotencyOrder, Steps } from './potency-worker.js';

const WORKER = new URL('potency-worker.js', import.meta.url);

export class PotencyPool {
  readonly #pool: WatchedPool;
  readonly #catalogueUrl: string;

  /** @param catalogueUrl the module that exports the catalogue; the project's own when absent. */
  constructor(pool: WatchedPool, catalogueUrl = new URL('../catalogue.js', import.meta.url)) {
    this.#pool = pool;
    this.#catalogueUrl = catalogueUrl.href;
  }

  /** What the run tells, step by step; nothing when it hangs or takes its thread down. Rejects when aborted. */
  async stepsOf(run: Case): Promise<Steps | undefined> {
    const answer = await this.#ask({ run, muted: [] });
    return answer?.kind === 'told' ? answer.steps : undefined;
  }

  /** Whether the run goes another way with these faults muted; to hang, or to take its thread down, is another way. Rejects when aborted. */
  async differs(run: Case, muted: readonly string[], whole: Steps): Promise<boolean> {
    const answer = await this.#ask({ run, muted, whole });
    return answer?.kind !== 'compared' || answer.differs;
  }

  async #ask(order: Omit<PotencyOrder, 'seat' | 'catalogueUrl'>): Promise<PotencyAnswer | undefined> {
    const attempt = await this.#pool.run<PotencyOrder, PotencyAnswer>(WORKER, { ...order, catalogueUrl: this.#catalogueUrl });
    if (attempt.kind === 'died') return undefined;
    if (attempt.answer.kind === 'refused') throw new Error(attempt.answer.reason);
    return attempt.answer;
  }
}
