/** Which node an actor should be on that is nowhere. Candidates come sorted by name, so that nothing hangs on the order of a map. */
import type { NodeId, Random } from '../ports.js';
import type { PlacementStrategyName } from './config.js';
import type { ActorRef } from './ids.js';

export interface Candidate {
  readonly node: NodeId;
  readonly count: number;
  readonly capacity: number;
}

export interface PlacementQuestion {
  readonly actor: ActorRef;
  /** The node that asks, where the call came in. */
  readonly self: NodeId;
  /** Nodes that are active and not known to be unreachable, sorted by name. */
  readonly candidates: readonly Candidate[];
  readonly random: Random;
  /** How many placements this node has asked for before. */
  readonly turn: number;
}

/** Answers undefined when every candidate is full. */
export type PlacementStrategy = (question: PlacementQuestion) => NodeId | undefined;

const free = (candidates: readonly Candidate[]): Candidate[] => candidates.filter(({ count, capacity }) => count < capacity);

/** The one with the fewest actors; the first by name of several. */
const leastLoaded: PlacementStrategy = ({ candidates }) => {
  let best: Candidate | undefined;
  for (const candidate of free(candidates)) {
    if (best === undefined || candidate.count < best.count || (candidate.count === best.count && candidate.node < best.node))
      best = candidate;
  }
  return best?.node;
};

/** By name. `affinity` keeps an actor where its call came in, and falls back to the least loaded node. */
export const placementStrategies: { readonly [Name in PlacementStrategyName]: PlacementStrategy } = {
  affinity: (question) => (free(question.candidates).some(({ node }) => node === question.self) ? question.self : leastLoaded(question)),
  'least-loaded': leastLoaded,
  random: ({ candidates, random }) => {
    const open = free(candidates);
    return open.length === 0 ? undefined : random.pick(open).node;
  },
  'round-robin': ({ candidates, turn }) => {
    const open = free(candidates);
    return open[turn % Math.max(1, open.length)]?.node;
  },
};
