/** The contract of the catalogue: a reporter turns a stored record into text, and knows no engine. */
import type { Run } from '../src/run.js';
import type { TraceEvent } from '../src/trace.js';

export interface RunReportInput {
  readonly run: Run;
  /** Wall time of the run in milliseconds. */
  readonly wallMs: number;
  /** The command that does it again. */
  readonly reproduce: string;
  /** Recorded events; empty when the run was not recorded. */
  readonly trace: readonly TraceEvent[];
}

export interface RunReporter {
  readonly id: string;
  report(input: RunReportInput): string;
}
