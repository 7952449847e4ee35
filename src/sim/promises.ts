/** Folds the promises of a scenario over the trace, while a run goes on or over a stored one. */
import type { Judgement, Violation } from '../run.js';
import type { TraceEvent } from '../trace.js';

/** What judging needs of an invariant; the catalogue's contract is the same. */
export interface JudgedInvariant {
  readonly id: string;
  readonly promise: string;
  readonly kind: 'always' | 'eventually';
  readonly spec?: string;
  start(): JudgingFold;
}

type Breach = Omit<Violation, 'invariant' | 'promise' | 'spec'>;

export interface JudgingFold {
  observe(event: TraceEvent): Breach | undefined;
  finish?(): Breach | 'unknown' | undefined;
}

export class Promises {
  readonly violations: Violation[] = [];
  readonly #folds: { readonly invariant: JudgedInvariant; readonly fold: JudgingFold; judgement: Judgement }[];

  constructor(invariants: readonly JudgedInvariant[]) {
    this.#folds = invariants.map((invariant) => ({ invariant, fold: invariant.start(), judgement: 'unknown' }));
  }

  /** Shows one event to every fold that has not been broken yet. */
  observe(event: TraceEvent): void {
    for (const entry of this.#folds) {
      if (entry.judgement === 'violated') continue;
      const breach = entry.fold.observe(event);
      if (breach !== undefined) this.#broken(entry, breach);
    }
  }

  /** Final checks of a run that came to its end. Beyond the fault budget nothing is demanded to happen eventually. */
  finish(withinBudget: boolean): void {
    for (const entry of this.#folds) {
      if (entry.judgement === 'violated') continue;
      if (entry.invariant.kind === 'eventually' && !withinBudget) continue;
      const result = entry.fold.finish?.();
      if (result === undefined) entry.judgement = 'holds';
      else if (result !== 'unknown') this.#broken(entry, result);
    }
  }

  judgements(): Record<string, Judgement> {
    return Object.fromEntries(this.#folds.map(({ invariant, judgement }) => [invariant.id, judgement]));
  }

  #broken(entry: { readonly invariant: JudgedInvariant; judgement: Judgement }, breach: Breach): void {
    entry.judgement = 'violated';
    const { id, promise, spec } = entry.invariant;
    this.violations.push({ invariant: id, promise, ...breach, ...(spec === undefined ? {} : { spec }) });
  }
}
