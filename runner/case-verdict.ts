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

/** What a later run of the same case is held against. */
export type Expected = Pick<CaseVerdict, 'verdict' | 'invariant' | 'signature' | 'traceHash'>;

export const expectedOf = ({ verdict, invariant, signature, traceHash }: Expected): Expected => ({
  verdict,
  invariant,
  signature,
  traceHash,
});

export function verdictOf(run: Pick<Run, 'verdict' | 'violations' | 'reason' | 'traceHash' | 'events'>, effects = ''): CaseVerdict {
  const { verdict, violations, traceHash, events } = run;
  return { verdict, invariant: violations[0]?.invariant ?? null, signature: signatureOf(run), traceHash, events, effects };
}

/** These have no promise to name them, and their reason tells one from another. What has not come to its end, or got in from outside, differs from case to case. */
const TOLD_APART_BY_REASON: readonly Verdict[] = ['crash', 'unknown'];

/** The same promise is broken; where none is, the verdict is the same, and so is its cause as far as the reason tells. */
export function failsAlike(one: Failure, other: Failure): boolean {
  if (one.verdict === 'pass' || one.verdict !== other.verdict || one.invariant !== other.invariant) return false;
  return one.invariant !== null || !TOLD_APART_BY_REASON.includes(one.verdict) || one.signature === other.signature;
}

type Failure = Pick<CaseVerdict, 'verdict' | 'invariant' | 'signature'>;
