/** The contract of the catalogue: a promise is a fold over the trace, so that a stored run can be judged again. */
import type { NodeId } from '../src/ports.js';
import type { Judgement, Violation } from '../src/run.js';
import type { KelpieEvent, OperationEvent } from '../src/story.js';
import type { TraceEvent, WorldEvent } from '../src/trace.js';

/** What a fold reports; the runner adds who said it. */
export type Breach = Omit<Violation, 'invariant' | 'promise' | 'spec'>;

export interface Fold {
  /** Sees every event that it hears, in order; answers when the promise is broken by it. */
  observe(event: TraceEvent): Breach | undefined;
  /** Called once when the run has ended; may break the promise late, or say that it cannot tell. */
  finish?(): Breach | 'unknown' | undefined;
}

/** Limits and time-outs of the program under test, by name. */
export type Knobs = Readonly<Record<string, number>>;

export interface Invariant {
  readonly id: string;
  /** The promise in words a user of the system understands. */
  readonly promise: string;
  /** `always`: judged on every event. `eventually`: judged at the end, demanded only within the fault budget. */
  readonly kind: 'always' | 'eventually';
  /** `Module!Operator` of the spec that states the same. */
  readonly spec?: string;
  /** The types of events that its fold looks at; it is shown no others. Absent: all. */
  readonly hears?: readonly Told['type'][];
  /** @param knobs as the run has drawn them, for promises that say how long something may take. */
  start(knobs?: Knobs): Fold;
}

export type { Judgement };

/** Everything a fold may meet; a program of another kind tells other types, which a fold passes over. */
export type Told = KelpieEvent | OperationEvent | WorldEvent;

/** The body of an event, for a switch over its type. */
export const told = (event: TraceEvent): Told => event.body as Told;

/** A breach that shows at this event. `nodes` is where it happened when not only where it was told. */
export const breachAt = (event: TraceEvent, expected: string, seen: string, nodes?: readonly NodeId[]): Breach => ({
  expected,
  seen,
  atMicros: event.at,
  nodes: nodes ?? (event.node === '' ? [] : [event.node]),
  event: event.index,
});
