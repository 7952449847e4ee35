/** A run as the documents of `replay` and `shrink` tell it. */
import type { RunReportInput } from '../reports/reporter.js';
import type { Run } from '../src/run.js';

export type JudgedRun = Pick<Run, 'verdict' | 'reason' | 'violations' | 'traceHash' | 'events'> & Pick<RunReportInput, 'specState'>;

/** In the order in which scripts have seen these fields from the start. */
export function judgedRun({ run, specState }: Pick<RunReportInput, 'run' | 'specState'>): JudgedRun {
  const { verdict, reason, violations, traceHash, events } = run;
  return {
    verdict,
    ...(reason === undefined ? {} : { reason }),
    violations,
    ...(specState === undefined ? {} : { specState }),
    traceHash,
    events,
  };
}
