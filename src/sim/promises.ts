/** Folds the promises of a scenario over the trace, while a run goes on or over a stored one. */
import type { Judgement, Violation } from '../run.js';
import type { TraceEvent } from '../trace.js';

/** What judging needs of an invariant; the catalogue's contract is the same. */
export interface JudgedInvariant {
  readonly id: string;
  readonly promise: string;
  readonly kind: 'always' | 'eventually';
  readonly spec?: string;
  /** The types of events that its fold looks at. Absent: all. */
  readonly hears?: readonly string[];
  /** @param knobs those of the run. */
  start(knobs?: Readonly<Record<string, number>>): JudgingFold;
}

type Breach = Omit<Violation, 'invariant' | 'promise' | 'spec'>;

export interface JudgingFold {
  observe(event: TraceEvent): Breach | undefined;
  finish?(): Breach | 'unknown' | undefined;
}

/** A situation worth reaching; `hears` as for an invariant. */
export type Sight = ((event: TraceEvent) => boolean) & { readonly hears?: readonly string[] };

/**
 * Who looks at events of which type, found out when the type is first met: most events are packets, which next to nobody looks at,
 * so a run with many folds costs little more than one with few.
 */
export class Audience<Member extends { readonly hears: readonly string[] | undefined }> {
  readonly #members: readonly Member[];
  readonly #byType = new Map<string, readonly Member[]>();

  constructor(members: readonly Member[]) {
    this.#members = members;
  }

  /** In the order in which the members were given. */
  of(type: string): readonly Member[] {
    let audience = this.#byType.get(type);
    if (audience === undefined) {
      audience = this.#members.filter(({ hears }) => hears === undefined || hears.includes(type));
      this.#byType.set(type, audience);
    }
    return audience;
  }
}

interface Entry {
  readonly invariant: JudgedInvariant;
  readonly fold: JudgingFold;
  readonly hears: readonly string[] | undefined;
  judgement: Judgement;
}

export class Promises {
  readonly violations: Violation[] = [];
  readonly #folds: readonly Entry[];
  readonly #audience: Audience<Entry>;

  constructor(invariants: readonly JudgedInvariant[], knobs: Readonly<Record<string, number>>) {
    this.#folds = invariants.map((invariant) => ({
      invariant,
      fold: invariant.start(knobs),
      hears: invariant.hears,
      judgement: 'unknown',
    }));
    this.#audience = new Audience(this.#folds);
  }

  /** Shows one event to every fold that hears its type and has not been broken yet. */
  observe(event: TraceEvent): void {
    for (const entry of this.#audience.of(event.body.type)) {
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

  #broken(entry: Entry, breach: Breach): void {
    entry.judgement = 'violated';
    const { id, promise, spec } = entry.invariant;
    this.violations.push({ invariant: id, promise, ...breach, ...(spec === undefined ? {} : { spec }) });
  }
}
