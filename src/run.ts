/** A run is data: a `Case` goes in, a `Run` comes out, and both can be stored, sent, shrunk and judged again. */
import type { Micros, NodeId, TraceValue } from './ports.js';

/** A safe integer from 0, or 40 lower-case hex digits (a git commit). */
export type Seed = number | string;

/** Which faults a seed draws. */
export const PROFILES = ['none', 'calm', 'swarm', 'all', 'beyond-budget'] as const;
export type Profile = (typeof PROFILES)[number];

/** Who runs first among events that are ready together. */
export type Strategy =
  | { readonly kind: 'fifo' }
  | { readonly kind: 'random' }
  /** Probabilistic concurrency testing (Burckhardt et al., ASPLOS 2010) with `depth - 1` priority change points. */
  | { readonly kind: 'pct'; readonly depth: number; readonly horizon: number }
  /** Partial order sampling (Yuan et al., CAV 2018). */
  | { readonly kind: 'pos' }
  /** Follows recorded choices; takes the first ready event where the list has ended. */
  | { readonly kind: 'replay'; readonly decisions: readonly number[] };

/** Times of a fault, counted from the start of the chaos phase. */
export interface Episode {
  readonly startMicros: Micros;
  readonly durationMicros: Micros;
}

/** One drawn fault. `label` names its random stream, so that leaving another fault out changes nothing here. */
export interface FaultDraw {
  readonly id: string;
  readonly label: string;
  readonly params: Episode & { readonly [name: string]: TraceValue };
}

/** Every bound of a run. Reaching one is a verdict with its name, never a hang. */
export interface Limits {
  readonly events: number;
  readonly simMicros: Micros;
  readonly queueLength: number;
}

/** The fully expanded input of one run: plain JSON. Nothing else decides what happens. */
export interface Case {
  readonly version: 1;
  readonly seed: Seed;
  readonly scenario: string;
  readonly profile: Profile;
  /** Id of a known bug put into the program under test. */
  readonly bug?: string;
  readonly strategy: Strategy;
  /** Times are rounded up to this grid, so that more events are ready together and the strategy has more to choose. */
  readonly quantumMicros: Micros;
  readonly faults: readonly FaultDraw[];
  readonly network: NetworkShape;
  /** What the scenario drew: its sizes and its operations. */
  readonly workload: Workload;
  /** Drawn values of the limits and time-outs of the program under test. */
  readonly knobs: Readonly<Record<string, number>>;
  /** Sites at which the program takes its rare way during the chaos phase, each time with a chance of one in so many. Absent: none. */
  readonly choices?: Readonly<Record<string, number>>;
  readonly chaosMicros: Micros;
  readonly limits: Limits;
}

/** The healthy network. Latencies are one-way. */
export interface NetworkShape {
  readonly latencyMicrosMin: Micros;
  readonly latencyMicrosMax: Micros;
  /** Random part on top of a pair's permanent base latency. */
  readonly jitterMicros: Micros;
  /** One message in `tailOneIn` takes `tailMicros` longer; 0 is never. */
  readonly tailOneIn: number;
  readonly tailMicros: Micros;
  /** Bandwidth of each ordered pair; 0 is without limit. */
  readonly bytesPerSecond: number;
  /** Most peers a node has a connection with at once; a message to one more is lost. Absent or 0 is without limit. */
  readonly connectionsMax?: number;
}

/** One operation of a workload; `client` performs it not before `atMicros` of the chaos phase. */
export interface Operation {
  readonly client: number;
  readonly atMicros: Micros;
  readonly kind: string;
  readonly [name: string]: TraceValue;
}

export interface Workload {
  readonly nodes: number;
  readonly clients: number;
  readonly operations: readonly Operation[];
  readonly [name: string]: TraceValue | readonly Operation[];
}

export const VERDICTS = ['pass', 'violation', 'liveness', 'crash', 'hang', 'nondeterminism', 'spec-divergence', 'unknown'] as const;
export type Verdict = (typeof VERDICTS)[number];

/** A broken promise, told so that it can be understood without the code. */
export interface Violation {
  readonly invariant: string;
  /** The promise in words. */
  readonly promise: string;
  readonly expected: string;
  readonly seen: string;
  readonly atMicros: Micros;
  readonly nodes: readonly NodeId[];
  /** Index of the trace event at which it showed. */
  readonly event: number;
  /** `Module!Operator` where a spec states the same promise. */
  readonly spec?: string;
}

/** What one fault did in a run. */
export interface FaultReport {
  readonly id: string;
  readonly drawn: number;
  readonly fired: number;
}

/** What conformance to a spec found in one run. */
export interface SpecReport {
  /** What the run told of the spec's protocol, and was judged. */
  readonly steps: number;
  /** Different states of the spec that some explanation of the run goes through. */
  readonly states: number;
  /** Walks that the spec does not allow. */
  readonly divergences: number;
  /** One instance of the protocol is one walk: an actor, a log, a migration. */
  readonly walks: number;
  /** Walks that could not be judged to their end, by the reason. */
  readonly left: Readonly<Record<string, number>>;
}

/** Three-valued verdict of one invariant. */
export type Judgement = 'holds' | 'violated' | 'unknown';

/** The output of one run: plain JSON. */
export interface Run {
  readonly seed: Seed;
  readonly scenario: string;
  readonly case: Case;
  readonly verdict: Verdict;
  /** True when the drawn faults stay inside the scenario's budget, so that liveness was demanded too. */
  readonly withinBudget: boolean;
  /** One sentence on a verdict that no violation explains (crash, hang, limits). */
  readonly reason?: string;
  readonly violations: readonly Violation[];
  /** What had not converged at the end, in words. */
  readonly pending: readonly string[];
  readonly judgements: Readonly<Record<string, Judgement>>;
  readonly simMicros: Micros;
  readonly events: number;
  readonly traceEvents: number;
  readonly traceHash: string;
  readonly counts: Readonly<Record<string, number>>;
  readonly faults: readonly FaultReport[];
  readonly sometimes: Readonly<Record<string, number>>;
  readonly spec: Readonly<Record<string, SpecReport>>;
  /** Choices taken where more than one event was ready; present when recorded. */
  readonly decisions?: readonly number[];
}

export const EXIT = { clean: 0, bug: 1, usage: 2, interrupted: 130 } as const;
