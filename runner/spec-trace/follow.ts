/** Follows one recorded walk through the graph of its module, to say where it stops matching and what was allowed there. */
import type { Tracker } from '../conformance/tracker.js';
import type { TlaState } from '../tla/tla-value.js';
import type { RecordedWalk, Seen } from './walks.js';

export interface Stop {
  /** Observations that matched before it. */
  readonly matched: number;
  readonly seen: Seen;
  /** Where the walk may have been after the last match, a few of them. */
  readonly states: readonly TlaState[];
  /** How many there are in all. */
  readonly stateCount: number;
  /** Told steps that could have happened there, with hidden ones before them. */
  readonly allowed: readonly string[];
}

const STATES_TOLD_MAX = 3;

/** Undefined when the whole walk is matched. */
export function follow(walk: RecordedWalk, tracker: Tracker): Stop | undefined {
  const { graph } = tracker;
  let belief = tracker.begin();
  for (const [matched, seen] of walk.seen.entries()) {
    const { next } = tracker.step(belief, seen.observation);
    if (next === undefined) {
      const some = [...belief.states.subarray(0, STATES_TOLD_MAX)].map((id) => graph.states[id]);
      const states = some.filter((state) => state !== undefined);
      return { matched, seen, states, stateCount: belief.states.length, allowed: tracker.allowed(belief) };
    }
    belief = next;
  }
  return undefined;
}
