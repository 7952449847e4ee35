/**
 * The contract of every `mapping.ts` here: how the story that a run tells becomes steps of a module. Code and spec meet nowhere else.
 *
 * A walk goes through the module's graph of reachable states, from an initial one. Not every step is told: hidden actions may happen
 * before any observation, so a walk is at a set of states, and diverges when none is left that explains what was told.
 */
import type { KelpieEvent, OperationEvent } from '../src/story.js';
import type { TraceEvent, WorldEvent } from '../src/trace.js';

/** An action with its arguments as `Next` of the module has it: `{ action: 'ClaimRead', args: ['n1'] }`. */
export interface Step {
  readonly action: string;
  readonly args?: readonly (string | number | boolean)[];
}

/** The variables of the module in one state, as plain JSON (`runner/tla/tla-value.ts` says how TLA+ values look). */
export type SpecState = Readonly<Record<string, unknown>>;

/** What one event says about one walk: after hidden steps, one of `steps` happened, or nothing did and the state is one of `still`. */
export interface Observation {
  /** Names the observation in messages. Observations of a module with equal keys are equal in everything: answers are kept by it. */
  readonly key: string;
  /** Any one of them; empty for an observation that only looks. */
  readonly steps: readonly Step[];
  /** States in which this is no step. With no steps at all it says what must hold now. */
  readonly still?: (state: SpecState) => boolean;
}

/** Where a mapping says what it has found in an event. */
export interface Walks {
  /** The walk of this name goes on; it begins where nobody has named it before. */
  see(walk: string, observation: Observation): void;
  /** The model is too small for what comes (a fourth node where it has three): the walk ends unjudged, and `why` is counted. */
  leave(walk: string, why: string): void;
}

/** Everything that a run of Kelpie tells. */
export type Told = KelpieEvent | OperationEvent | WorldEvent;

export interface Mapping {
  /** Name of the module: `KelpieLease`. */
  readonly module: string;
  /** Actions that no event shows. All others are told of whenever they happen. */
  readonly hidden: readonly string[];
  /** The types of events that it looks at; it is shown no others. Absent: all. */
  readonly hears?: readonly Told['type'][];
  /** For one run; holds what the run has shown so far, such as which node takes which place in the model. */
  start(walks: Walks): { observe(event: TraceEvent): void };
}
