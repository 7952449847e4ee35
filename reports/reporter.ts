/** The contract of the catalogue: a reporter turns a stored record into text, and knows no engine. */
import type { Case, Run, Verdict } from '../src/run.js';
import type { TraceEvent } from '../src/trace.js';
import type { StormReport } from './storm-report.js';

export interface RunReportInput {
  readonly run: Run;
  /** Wall time of the run in milliseconds. */
  readonly wallMs: number;
  /** The command that does it again. */
  readonly reproduce: string;
  /** The command that looks for a smaller case; absent where there is none for this one. */
  readonly shrink?: string;
  /** The file that has every event; absent where none was asked for. */
  readonly traceFile?: string;
  /** Recorded events; empty when the run was not recorded. */
  readonly trace: readonly TraceEvent[];
  /** Where the same case did the same again, in words; absent when it was not tried. */
  readonly twin?: string;
  /** Absent where no spec has the broken promise. */
  readonly specState?: SpecState;
  /** Of each fault that fired; absent when it was not tried. */
  readonly potency?: readonly FaultPotency[];
}

/** Where the spec stands at the first broken promise that it has too. */
export interface SpecState {
  readonly module: string;
  /** What the walk is about: an actor, a log, a migration. */
  readonly walk: string;
  /** The last thing told of it that the spec allows; null when there is none. */
  readonly after: string | null;
  /** So many states explain what was told. */
  readonly states: number;
  readonly variables: readonly SpecVariable[];
}

export interface SpecVariable {
  readonly name: string;
  /** As TLA+ writes them: in all of these states, a few of them. */
  readonly values: readonly string[];
  /** How many there are. */
  readonly count: number;
}

/** What became of a run without one of its faults. */
export interface FaultPotency {
  readonly id: string;
  /** What it changed: the verdict or the promise that breaks, only the events on the way there, or nothing. */
  readonly effect: 'verdict' | 'events' | 'none';
  /** Without it. */
  readonly verdict: Verdict;
  readonly invariant: string | null;
}

export interface RunReporter {
  readonly id: string;
  /** Printed before the run, so that a run that takes the tool down with it can still be done again. */
  opening?(run: Case): string;
  /** What is left to say after the run. */
  report(input: RunReportInput): string;
}

/** The same for a storm. */
export interface StormReporter {
  readonly id: string;
  report(storm: StormReport): string;
}
