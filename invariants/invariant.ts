/** The contract of the catalogue: a promise is a fold over the trace, so that a stored run can be judged again. */
import type { Judgement, Violation } from '../src/run.js';
import type { TraceEvent } from '../src/trace.js';

/** What a fold reports; the runner adds who said it. */
export type Breach = Omit<Violation, 'invariant' | 'promise' | 'spec'>;

export interface Fold {
  /** Sees every event in order; answers when the promise is broken by it. */
  observe(event: TraceEvent): Breach | undefined;
  /** Called once when the run has ended; may break the promise late, or say that it cannot tell. */
  finish?(): Breach | 'unknown' | undefined;
}

export interface Invariant {
  readonly id: string;
  /** The promise in words a user of the system understands. */
  readonly promise: string;
  /** `always`: judged on every event. `eventually`: judged at the end, demanded only within the fault budget. */
  readonly kind: 'always' | 'eventually';
  /** `Module!Operator` of the spec that states the same. */
  readonly spec?: string;
  start(): Fold;
}

export type { Judgement };
