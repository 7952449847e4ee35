/** Follows one recorded walk through the graph of its module: to explain it, or to say where it stops matching and what was allowed there. */
import type { Observation } from '../../specs/mapping.js';
import type { Belief, Tracker } from '../conformance/tracker.js';
import type { StateGraph } from '../tla/state-graph.js';
import type { TlaState } from '../tla/tla-value.js';
import type { RecordedWalk, Seen } from './walks.js';

/** Before each observation, the hidden actions that lead to where it is possible: their numbers in the graph. */
export type Explanation = readonly (readonly number[])[];

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

export type Followed = { readonly kind: 'matched'; readonly explanation: Explanation } | { readonly kind: 'stopped'; readonly stop: Stop };

const STATES_TOLD_MAX = 3;

export function follow(walk: RecordedWalk, tracker: Tracker): Followed {
  const { graph } = tracker;
  const beliefs: Belief[] = [tracker.begin()];
  let belief = tracker.begin();
  for (const [matched, seen] of walk.seen.entries()) {
    const { next } = tracker.step(belief, seen.observation);
    if (next === undefined) {
      const some = [...belief.states.subarray(0, STATES_TOLD_MAX)].map((id) => graph.states[id]);
      const states = some.filter((state) => state !== undefined);
      const stop: Stop = { matched, seen, states, stateCount: belief.states.length, allowed: tracker.allowed(belief) };
      return { kind: 'stopped', stop };
    }
    beliefs.push(next);
    belief = next;
  }
  return { kind: 'matched', explanation: explained(walk, beliefs, tracker) };
}

/** One explanation of many, from its end to its begin: every state that explains so much was reached from one that explains less. */
function explained(walk: RecordedWalk, beliefs: readonly Belief[], { graph, mapping }: Tracker): Explanation {
  const hidden = Uint8Array.from(graph.actions, ({ name }) => (mapping.hidden.includes(name) ? 1 : 0));
  const explanation: (readonly number[])[] = [];
  let target = beliefs.at(-1)?.states[0] ?? 0;
  for (let at = walk.seen.length - 1; at >= 0; at--) {
    const observation = walk.seen[at]?.observation;
    const from = beliefs[at]?.states;
    if (observation === undefined || from === undefined) break;
    const way = wayTo(target, from, observation, graph, hidden);
    explanation.unshift(way.actions);
    target = way.source;
  }
  return explanation;
}

/** The shortest way of hidden steps from one of these states to one where the observation leads to the target. */
function wayTo(
  target: number,
  from: Uint32Array,
  observation: Observation,
  graph: StateGraph,
  hidden: Uint8Array,
): { readonly source: number; readonly actions: readonly number[] } {
  const actions = observation.steps.map(({ action, args }) => graph.actionIdOf(action, args)).filter((id) => id !== undefined);
  /** The step by which a state was found; -1 for where the way begins. */
  const cameBy = new Map<number, number>([...from].map((state) => [state, -1]));
  for (const state of cameBy.keys()) {
    const isStill = state === target && observation.still?.(graph.states[state] ?? {}) === true;
    if (isStill || actions.some((action) => graph.stepsOf(state, action).some((step) => graph.targetOf(step) === target))) {
      return backFrom(state, cameBy, graph);
    }
    for (let step = graph.firstStep(state); step < graph.endStep(state); step++) {
      if (hidden[graph.actionOf(step)] === 1 && !cameBy.has(graph.targetOf(step))) cameBy.set(graph.targetOf(step), step);
    }
  }
  throw new Error(`no way of ${graph.module} leads to a state that ${observation.key} was found to lead to`);
}

function backFrom(
  state: number,
  cameBy: ReadonlyMap<number, number>,
  graph: StateGraph,
): { readonly source: number; readonly actions: number[] } {
  const actions: number[] = [];
  let source = state;
  for (let step = cameBy.get(source) ?? -1; step >= 0; step = cameBy.get(source) ?? -1) {
    actions.unshift(graph.actionOf(step));
    source = graph.sourceOf(step);
  }
  return { source, actions };
}
