/** What an operator, or a simulation that draws knobs, may set of a node; checked as a whole before anything starts. */
import type { Micros } from '../ports.js';
import { KelpieError } from './errors.js';
import * as limits from './limits.js';

/** How a node is chosen for an actor that is nowhere. */
export const PLACEMENT_STRATEGIES = ['affinity', 'least-loaded', 'random', 'round-robin'] as const;
export type PlacementStrategyName = (typeof PLACEMENT_STRATEGIES)[number];

export interface KelpieConfig {
  /** Actors that this node may hold at once. */
  readonly capacity: number;
  readonly placement: PlacementStrategyName;
  readonly leaseMicros: Micros;
  readonly leaseRenewMicros: Micros;
  readonly leaseGraceMicros: Micros;
  /** How much the monotonic clocks of two nodes may come to differ in the length of one lease. */
  readonly leaseSkewMicros: Micros;
  /** Longest life of a call on this node, waiting included, when its caller names none. */
  readonly invocationMicros: Micros;
  /** An actor without calls for this long is deactivated, unless its type says otherwise. */
  readonly idleMicros: Micros;
  readonly pendingPerActor: number;
  /** Calls that this node holds: from outside, and as many again of each depth at which actors call each other. */
  readonly mailbox: number;
  /** How long one forward waits for its answer before the registry is asked again. */
  readonly forwardMicros: Micros;
  readonly hops: number;
  readonly callDepth: number;
  readonly callsInFlight: number;
  /** How long shutdown lets accepted calls run. */
  readonly drainMicros: Micros;
  /** Whole life of one transaction of the runtime over its retries. */
  readonly storeMicros: Micros;
  /** How long at least the outcome of a request is kept. */
  readonly outcomeKeptMicros: Micros;
  /** How old the list of nodes may be that placement chooses from. */
  readonly nodeListMicros: Micros;
  /** A node that did not answer is not chosen for this long. */
  readonly suspectMicros: Micros;
  /** From one heartbeat to the next. */
  readonly heartbeatMicros: Micros;
  /** So many heartbeats in a row without an answer make a member suspect, and so many failed. */
  readonly heartbeatsMissedSuspect: number;
  readonly heartbeatsMissedFailed: number;
  /** Rounds through the seed nodes before a node that nobody lets in gives up and stops. */
  readonly joinTries: number;
  /** How long an actor stays at least where it was moved to. */
  readonly migrationCooldownMicros: Micros;
  /** How long one step of a migration waits for the answer of the other node. */
  readonly migrationStepMicros: Micros;
}

export const DEFAULT_CONFIG: KelpieConfig = {
  capacity: 100_000,
  placement: 'affinity',
  leaseMicros: limits.LEASE_MICROS,
  leaseRenewMicros: limits.LEASE_RENEW_MICROS,
  leaseGraceMicros: limits.LEASE_GRACE_MICROS,
  leaseSkewMicros: limits.LEASE_SKEW_MICROS,
  invocationMicros: limits.INVOCATION_MICROS_MAX,
  idleMicros: limits.IDLE_MICROS_DEFAULT,
  pendingPerActor: limits.PENDING_PER_ACTOR_MAX,
  mailbox: limits.MAILBOX_MAX,
  forwardMicros: 5_000_000,
  hops: limits.HOPS_MAX,
  callDepth: limits.CALL_DEPTH_MAX,
  callsInFlight: limits.CALLS_IN_FLIGHT_MAX,
  drainMicros: 10_000_000,
  storeMicros: limits.TRANSACTION_MICROS_MAX,
  outcomeKeptMicros: limits.OUTCOME_KEPT_MICROS,
  nodeListMicros: 5_000_000,
  suspectMicros: 10_000_000,
  heartbeatMicros: limits.HEARTBEAT_MICROS,
  heartbeatsMissedSuspect: limits.HEARTBEATS_MISSED_SUSPECT,
  heartbeatsMissedFailed: limits.HEARTBEATS_MISSED_FAILED,
  joinTries: 120,
  migrationCooldownMicros: limits.MIGRATION_COOLDOWN_MICROS,
  migrationStepMicros: 5_000_000,
};

/** Smallest and largest legal value of each number. */
const RANGES: { readonly [Name in Exclude<keyof KelpieConfig, 'placement'>]: readonly [number, number] } = {
  capacity: [1, limits.NODE_CAPACITY_MAX],
  leaseMicros: [1_000, limits.LEASE_MICROS],
  leaseRenewMicros: [100, limits.LEASE_MICROS],
  leaseGraceMicros: [0, limits.LEASE_MICROS],
  leaseSkewMicros: [0, limits.LEASE_MICROS],
  invocationMicros: [1, limits.INVOCATION_MICROS_MAX],
  idleMicros: [1, limits.IDLE_MICROS_MAX],
  pendingPerActor: [1, limits.PENDING_PER_ACTOR_MAX],
  mailbox: [1, limits.MAILBOX_MAX],
  forwardMicros: [1, limits.RPC_MICROS_MAX],
  hops: [1, limits.HOPS_MAX],
  callDepth: [1, limits.CALL_DEPTH_MAX],
  callsInFlight: [1, limits.CALLS_IN_FLIGHT_MAX],
  drainMicros: [0, limits.INVOCATION_MICROS_MAX],
  storeMicros: [1, limits.TRANSACTION_MICROS_MAX],
  outcomeKeptMicros: [1, limits.OUTCOME_KEPT_MICROS],
  nodeListMicros: [0, limits.RPC_MICROS_MAX],
  suspectMicros: [0, limits.RPC_MICROS_MAX],
  heartbeatMicros: [1_000, limits.HEARTBEAT_MICROS],
  heartbeatsMissedSuspect: [1, limits.HEARTBEATS_MISSED_SUSPECT],
  heartbeatsMissedFailed: [2, limits.HEARTBEATS_MISSED_FAILED],
  joinTries: [1, limits.JOIN_TRIES_MAX],
  migrationCooldownMicros: [0, limits.MIGRATION_COOLDOWN_MICROS],
  migrationStepMicros: [1, limits.RPC_MICROS_MAX],
};

/** The defaults with these changes. Errors: `invalid-argument`, naming the field, what was given and what is legal. */
export function kelpieConfig(changes: Partial<KelpieConfig> = {}): KelpieConfig {
  const config: KelpieConfig = { ...DEFAULT_CONFIG, ...changes };
  for (const name of Object.keys(changes)) {
    if (!(name in DEFAULT_CONFIG)) throw new KelpieError('invalid-argument', `config.${name}: there is no such field`);
  }
  for (const name of Object.keys(RANGES) as (keyof typeof RANGES)[]) {
    const [min, max] = RANGES[name];
    const value = config[name];
    if (!Number.isSafeInteger(value) || value < min || value > max) {
      throw new KelpieError('invalid-argument', `config.${name} must be an integer from ${min} to ${max}, is ${String(value)}`);
    }
  }
  if (!PLACEMENT_STRATEGIES.includes(config.placement)) {
    throw new KelpieError('invalid-argument', `config.placement must be one of ${PLACEMENT_STRATEGIES.join(', ')}, is ${config.placement}`);
  }
  const served = config.leaseMicros - config.leaseGraceMicros - config.leaseSkewMicros;
  if (config.leaseRenewMicros >= served) {
    throw new KelpieError(
      'invalid-argument',
      `config.leaseRenewMicros must be shorter than leaseMicros - leaseGraceMicros - leaseSkewMicros = ${served}, is ${config.leaseRenewMicros}: ` +
        'a node would stop serving its actors before it renews their leases',
    );
  }
  if (config.heartbeatsMissedFailed <= config.heartbeatsMissedSuspect) {
    throw new KelpieError(
      'invalid-argument',
      `config.heartbeatsMissedFailed must be more than heartbeatsMissedSuspect = ${config.heartbeatsMissedSuspect}, ` +
        `is ${config.heartbeatsMissedFailed}: a member is suspected before it is failed`,
    );
  }
  return config;
}
