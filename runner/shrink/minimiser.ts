/**
 * Looks for a smaller case that fails alike. Candidates are judged a few at a time, and of those that fail the first in their order is
 * taken, so that the outcome does not depend on the number of workers. Judged candidates are remembered.
 */
import type { Case } from '../../src/run.js';
import { canonical } from '../../src/trace.js';
import type { CaseVerdict } from '../case-verdict.js';
import { failsAlike } from '../case-verdict.js';

/** Judges one case. */
export type Judge = (run: Case) => Promise<CaseVerdict>;

export interface Bounds {
  /** Cases judged. */
  readonly runs: number;
  /** Wall time. */
  readonly wallMs: number;
}

export class Minimiser {
  best: Case;
  verdict: CaseVerdict;
  /** Cases judged so far. */
  runs = 0;
  readonly #judge: Judge;
  readonly #atOnce: number;
  readonly #bounds: Bounds;
  readonly #begunMs = performance.now();
  /** What was judged or has been the best: a candidate that changes nothing would fail alike for ever. */
  readonly #judged = new Set<string>();

  constructor(from: Case, verdict: CaseVerdict, judge: Judge, atOnce: number, bounds: Bounds) {
    this.best = from;
    this.verdict = verdict;
    this.#judged.add(canonical(from));
    this.#judge = judge;
    this.#atOnce = atOnce;
    this.#bounds = bounds;
  }

  /** True when a bound is reached: `best` is then what it has come to. */
  get exhausted(): boolean {
    return this.runs >= this.#bounds.runs || performance.now() - this.#begunMs >= this.#bounds.wallMs;
  }

  /** Takes the first candidate that fails alike. Candidates are asked for as they are needed. */
  async takeFirst(candidates: Iterable<Case>): Promise<boolean> {
    const waiting = candidates[Symbol.iterator]();
    for (;;) {
      const batch: Case[] = [];
      while (batch.length < this.#atOnce) {
        const { value, done } = waiting.next() as IteratorResult<Case, undefined>;
        if (done === true) break;
        if (!this.#judged.has(canonical(value))) batch.push(value);
      }
      if (batch.length === 0 || this.exhausted) return false;
      this.runs += batch.length;
      const verdicts = await Promise.all(batch.map((candidate) => this.#judge(candidate)));
      for (const [index, candidate] of batch.entries()) {
        this.#judged.add(canonical(candidate));
        const verdict = verdicts[index] as CaseVerdict; // one for each of the batch
        if (failsAlike(this.verdict, verdict)) {
          this.best = candidate;
          this.verdict = verdict;
          return true;
        }
      }
    }
  }

  /** Takes candidates as long as there is one; `of` gives those of the best case so far. */
  async takeAll(of: (best: Case) => Iterable<Case>): Promise<boolean> {
    let taken = false;
    while (await this.takeFirst(of(this.best))) taken = true;
    return taken;
  }

  /**
   * Leaves out as many members of a list as can be spared: first all, then halves, and on to single ones (delta debugging: Zeller and
   * Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", 2002; complements only, for subsets hardly ever fail here).
   */
  async thinOut<T>(listOf: (run: Case) => readonly T[], withList: (run: Case, list: readonly T[]) => Case): Promise<boolean> {
    let taken = false;
    let parts = 1;
    for (let list = listOf(this.best); list.length > 0 && !this.exhausted; list = listOf(this.best)) {
      const best = this.best;
      const size = Math.ceil(list.length / parts);
      const thinner = function* (): Iterable<Case> {
        // The last ones first: what comes late led to least.
        for (let end = list.length; end > 0; end -= size)
          yield withList(best, [...list.slice(0, Math.max(0, end - size)), ...list.slice(end)]);
      };
      if (await this.takeFirst(thinner())) {
        taken = true;
        parts = Math.max(parts - 1, 1);
      } else {
        if (size === 1) break;
        parts = Math.min(parts * 2, list.length);
      }
    }
    return taken;
  }
}
