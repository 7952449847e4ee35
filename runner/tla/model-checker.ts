/**
 * The port behind which model checkers stand: a module and a configuration go in, a verdict or the whole state graph comes out.
 * Both engines answer alike, so that what one says can be held against the other.
 */
import type { StateGraph } from './state-graph.js';
import type { TlaState, TlaValue } from './tla-value.js';

/** A TLA+ module and one of its configurations, as texts. */
export interface Model {
  /** Name of the module; its file is `<module>.tla`. */
  readonly module: string;
  readonly source: string;
  /** File name of the configuration, for messages. */
  readonly configName: string;
  readonly config: string;
}

/** Reaching one of them is a `ModelCheckError` with its name. */
export interface Bounds {
  /** Distinct states. */
  readonly states: number;
  /** Wall time. */
  readonly seconds: number;
  readonly megabytes: number;
}

export const DEFAULT_BOUNDS: Bounds = { states: 500_000, seconds: 120, megabytes: 2_048 };

export interface CheckOptions {
  readonly bounds?: Bounds;
  /** Ends the engine; the promise then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** The way to a violation is not wanted: `trace` stays empty. */
  readonly traceless?: boolean;
}

/** One way to take a step: an action with its arguments. */
export interface ActionCall {
  readonly name: string;
  readonly args: readonly TlaValue[];
  /** As in TLA+: `ClaimRead("n1")`, or `LeaseEnds`. */
  readonly label: string;
}

export interface TraceStep {
  /** What led to the state; null for the first, and for a step that the engine cannot name. */
  readonly action: ActionCall | null;
  readonly state: TlaState;
}

export interface CheckResult {
  /** `liveness`: a temporal property fails. */
  readonly verdict: 'holds' | 'violated' | 'deadlock' | 'liveness';
  /** The violated invariant, with `violated`. */
  readonly invariant?: string;
  /** All of them with `holds`; else those found before the checker stopped. */
  readonly distinctStates: number;
  /** States on the longest shortest path; with a violation, states of the trace. */
  readonly depth: number;
  readonly seconds: number;
  /** A shortest way to the violation; empty with `holds`. */
  readonly trace: readonly TraceStep[];
}

export type EngineName = 'embedded' | 'tlc';

export interface ModelChecker {
  readonly name: EngineName;
  /** Checks invariants, deadlock and, in TLC, temporal properties. Rejects with `ModelCheckError`. */
  check(model: Model, options?: CheckOptions): Promise<CheckResult>;
  /**
   * All reachable states and labelled steps. `Next` must be a list of actions, see `labelledModel`.
   * Rejects with `ModelCheckError`; `violated` when an invariant of the configuration fails, for then the graph is not whole.
   */
  graph(model: Model, options?: CheckOptions): Promise<StateGraph>;
}

export type ModelCheckErrorCode =
  /** The module is not TLA+. */
  | 'parse'
  /** The configuration does not fit the module. */
  | 'config'
  /** An expression has no value. */
  | 'evaluation'
  | 'violated'
  | 'states-bound'
  | 'time-bound'
  | 'memory-bound'
  /** This engine cannot do it. */
  | 'unsupported'
  | 'engine-failed'
  | 'jar-missing'
  | 'jar-invalid'
  | 'java-missing'
  | 'java-too-old';

/** No verdict. The message says what is wrong and what to do. */
export class ModelCheckError extends Error {
  override readonly name = 'ModelCheckError';
  constructor(
    readonly code: ModelCheckErrorCode,
    message: string,
  ) {
    super(message);
  }
  /** What has to change is this machine, not the model. */
  get environment(): boolean {
    return ['jar-missing', 'jar-invalid', 'java-missing', 'java-too-old'].includes(this.code);
  }
}
