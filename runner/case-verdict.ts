/** What came of a case, in little: enough to say whether two cases fail alike. */
import type { Run, Verdict } from '../src/run.js';
import { signatureOf } from './storm/signature.js';

export interface CaseVerdict {
  readonly verdict: Verdict;
  /** The first broken invariant. */
  readonly invariant: string | null;
  readonly signature: string;
  /** Empty where the run did not come to its end. */
  readonly traceHash: string;
  readonly events: number;
  /** Digest of what came of it, see `EffectsHash`; empty where the run did not come to its end. */
  readonly effects: string;
}

export function verdictOf(run: Pick<Run, 'verdict' | 'violations' | 'reason' | 'traceHash' | 'events'>, effects = ''): CaseVerdict {
  const { verdict, violations, traceHash, events } = run;
  return { verdict, invariant: violations[0]?.invariant ?? null, signature: signatureOf(run), traceHash, events, effects };
}

/** The same promise is broken; where none is, the verdict is the same, for its reason names what differs from case to case. */
export function failsAlike(one: Pick<CaseVerdict, 'verdict' | 'invariant'>, other: Pick<CaseVerdict, 'verdict' | 'invariant'>): boolean {
  return one.verdict !== 'pass' && one.verdict === other.verdict && one.invariant === other.invariant;
}
