/** How a failure gets its trace. */
import type { Run } from '../src/run.js';
import type { CaseOutcome } from './run-case.js';

/**
 * A failing run is done once more with recording, so that the many that pass need not pay for it. The two must agree in every
 * event; where they do not, that is the finding.
 */
export async function withTrace(first: CaseOutcome, again: () => Promise<CaseOutcome>): Promise<CaseOutcome> {
  if (first.run.verdict === 'pass' || !first.completed || first.trace.length > 0) return first;
  const second = await again();
  if (second.completed && second.run.traceHash === first.run.traceHash) return second;
  const told = ({ run }: CaseOutcome): string =>
    `${run.traceHash === '' ? 'no trace hash' : `trace hash ${run.traceHash}`} and verdict ${run.verdict}`;
  const differing: Run = {
    ...first.run,
    verdict: 'nondeterminism',
    reason: `the same case ran twice and differed: first ${told(first)}, then ${told(second)}; something takes time, chance or order from outside the simulation`,
  };
  return { ...first, run: differing, trace: second.trace };
}
