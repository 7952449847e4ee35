/** What is left of a storm: plain data, the same for any number of workers but for its wall times. Its fields are what `storm --json` prints, so they are added to, never changed. */
import type { Profile, Seed, Verdict } from '../src/run.js';

/** Failures that look alike. */
export interface FailureGroup {
  readonly scenario: string;
  readonly signature: string;
  readonly verdict: Verdict;
  readonly count: number;
  /** The first of them, in the order of the storm. */
  readonly seeds: readonly Seed[];
  /** The one with the fewest events. */
  readonly smallest: { readonly seed: Seed; readonly events: number; readonly traceHash: string };
  /** The command that runs the smallest again. */
  readonly reproduce: string;
}

/** How much of a spec's graph the runs have visited, in the sense that some explanation of what they told goes there. */
export interface SpecFigures {
  readonly statesVisited: number;
  readonly statesReachable: number;
  readonly transitionsVisited: number;
  readonly transitionsReachable: number;
  /** States that were at some moment the only explanation. */
  readonly statesCertain: number;
}

/** How many seeds drew a fault, and in how many of them it did something. */
export interface FaultFigures {
  readonly id: string;
  readonly seedsDrawn: number;
  readonly seedsFired: number;
}

/** Of the behaviours of some kind. */
export interface NewBehaviour {
  /** How likely one more run shows a behaviour that no run has shown, by the share of runs that showed one which no other did. */
  readonly probability: number;
  /** Behaviours that one run alone showed. */
  readonly singletons: number;
  readonly behaviours: number;
}

/** Good-Turing. Of all kinds together, and of each. */
export interface NewBehaviourEstimate extends NewBehaviour {
  readonly runs: number;
  /** `situations` worth reaching, `faultsInSituations` (a fault that fired in a run that reached one, or none), `failures` by signature, `specStates`. */
  readonly kinds: Readonly<Record<string, NewBehaviour>>;
}

export interface StormReport {
  readonly scenarios: readonly { readonly id: string; readonly seeds: number; readonly failed: number }[];
  readonly profile: Profile;
  readonly bug: string | null;
  readonly from: Seed;
  readonly shard: { readonly index: number; readonly of: number };
  /** Runs that were done; `notRun` is what the storm did not come to. */
  readonly seeds: number;
  readonly notRun: number;
  /** Why not. */
  readonly stopped: 'budget' | 'fail-fast' | 'interrupted' | 'queue-lost' | null;
  readonly passed: number;
  readonly failed: number;
  /** Smallest first. */
  readonly failures: readonly FailureGroup[];
  readonly faults: readonly FaultFigures[];
  /** Drawn several times and never fired. */
  readonly inert: readonly string[];
  /** Fired, and changed nothing in any run that was done again without them; null when that was not tried. */
  readonly impotent: readonly string[] | null;
  /** For each situation worth reaching, how many runs reached it. */
  readonly sometimes: Readonly<Record<string, number>>;
  readonly neverReached: readonly string[];
  /** Whether inert faults and situations never reached fail this storm, and by which rule. */
  readonly coverage: { readonly decides: boolean; readonly rule: string };
  /** Runs that were done again in another process, and those that did something else there. */
  readonly twins: { readonly checked: number; readonly differed: number };
  /** By module; only those that runs were held against. */
  readonly spec: Readonly<Record<string, SpecFigures>>;
  readonly newBehaviourEstimate: NewBehaviourEstimate;
  /** Where several machines shared the storm: how many of its runs each did, by their names. */
  readonly machines?: readonly { readonly name: string; readonly runs: number }[];
  readonly wallMs: number;
  /** Of this session, where a storm was resumed. */
  readonly seedsPerSecond: number;
}
