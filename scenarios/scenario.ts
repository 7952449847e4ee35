/** The contract of the catalogue: what is booted, what is done to it, and what must hold. */
import type { Invariant } from '../invariants/invariant.js';
import type { Micros, NodeId, Platform, Random } from '../src/ports.js';
import type { Operation, Workload } from '../src/run.js';
import type { Budget, Capability } from '../src/sim/seams.js';
import type { TraceEvent } from '../src/trace.js';

/** Folds the trace into what has not converged, in words; empty when all has. */
export interface Convergence {
  observe(event: TraceEvent): void;
  pending(): readonly string[];
  /** The node that holds a role now, for faults that aim at roles. */
  role?(name: string): NodeId | undefined;
}

/** What a run hands to each program of a scenario. */
export interface Stage<Parts> {
  readonly workload: Workload;
  /** Drawn limits and time-outs by name. */
  readonly knobs: Readonly<Record<string, number>>;
  /** The assembly of the program under test, with a known bug in it when the case names one. */
  readonly parts: Parts;
}

export interface KnobRange {
  readonly min: number;
  readonly max: number;
  readonly normal: number;
}

/** Whether an event shows it. Asked about events of the types in `hears` only; absent: all. */
type Sight = ((event: TraceEvent) => boolean) & { readonly hears?: readonly string[] };

/**
 * A situation worth reaching. Most show in one event; one that takes several is a watch, begun anew for each run, that answers true at
 * the event that completes it.
 */
export type Mark = Sight | { readonly watch: () => Sight };

/** A workload so small that every schedule of its beginning can be tried. */
export interface Small {
  readonly workload: Workload;
  readonly chaosMicros: Micros;
  /** How long nodes need to get ready, from the beginning of the chaos phase; schedules are varied from there on. */
  readonly readyMicros: Micros;
  /** Decides what little chance programs have of their own. */
  readonly seed: number;
}

export interface Scenario<Parts = unknown> {
  readonly id: string;
  readonly summary: string;
  /** What faults find here to act on. */
  readonly offers: readonly Capability[];
  readonly invariants: readonly Invariant[];
  /** Situations worth reaching, by name; a storm lists those never reached. */
  readonly sometimes?: Readonly<Record<string, Mark>>;
  /** Lengths of the chaos phase to draw one from; those of the runner when absent. */
  readonly chaosMicros?: readonly Micros[];
  /**
   * How many times as often as usual each fault comes in a swarm; 1 when absent. A scenario that has a use for few of them meets as many
   * in a seed as one that has a use for all.
   */
  readonly faultFactor?: number;
  readonly knobs?: Readonly<Record<string, KnobRange>>;
  /** Sites at which the program under test may take a rare and legal way, each with what it does there. */
  readonly choices?: Readonly<Record<string, string>>;
  /** Settings under which faults may restart a server: knobs of a variant take the place of the drawn ones. */
  readonly variants?: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** What kind of message it is, for faults that aim at kinds; undefined for one that is not the program's own. */
  topicOf?(bytes: Uint8Array): string | undefined;
  /** The correct assembly. */
  readonly parts: Parts;
  /** Draws sizes and operations. Servers are `n1`..., clients are `c1`... */
  draw(random: Random, chaosMicros: Micros): Workload;
  /** What `explore` goes through. */
  small?(): Small;
  budget(workload: Workload, chaosMicros: Micros): Budget;
  /** One server's program; runs again after every restart of the node. */
  serve(platform: Platform, stage: Stage<Parts>): Promise<void>;
  /** Resolves when the system is ready for the chaos phase; runs on a client's platform, without faults. */
  setUp?(platform: Platform, stage: Stage<Parts>): Promise<void>;
  /** One client's program: performs its operations, each not before its time, and resolves. Clients are never killed. */
  client(platform: Platform, stage: Stage<Parts>, operations: readonly Operation[]): Promise<void>;
  /** Reads everything back after healing, on a client's platform, for the final checks. */
  verify?(platform: Platform, stage: Stage<Parts>): Promise<void>;
  convergence?(): Convergence;
  /** How long after healing everything must have converged. */
  readonly convergenceMicros: Micros;
}

/** Names of the servers of a workload. */
export const serverIds = (workload: Workload): NodeId[] => Array.from({ length: workload.nodes }, (_, i) => `n${i + 1}`);
