/**
 * The assembly: every decision of the runtime that matters for its promises is a small part, handed to the node. `correctParts` is the
 * runtime; a known bug is `correctParts` with one or two parts replaced. There is no other way to change the behaviour of a node than
 * its configuration and its parts.
 *
 * Parts of other rooms of the runtime (membership, migration, log, checkpoint, agents, memory) are added here as fields in the same way.
 */
import type { Clock } from '../ports.js';
import { type AgentParts, agentParts } from './agents/agent-parts.js';
import { type GiveBack, giveBack, type SaveOnDeactivate, saveOnDeactivate } from './activation.js';
import {
  type CommitWrites,
  commitWrites,
  type OutcomeLog,
  outcomeLog,
  type ReadFence,
  readFence,
  type ResolveCommit,
  resolveCommit,
} from './commit.js';
import type { KelpieConfig } from './config.js';
import { type AfterFailedForward, afterFailedForward } from './dispatcher.js';
import { type Admission, CountingAdmission, CountingIntake, type Intake } from './intake.js';
import { type MakeKv, makeBufferedKv } from './kv.js';
import { Lane, type TaskLane } from './lane.js';
import { type LeaseJudge, type LeaseTerm, monotonicLeaseTerm, ObservingLeaseJudge } from './lease.js';
import { type LoadActor, loadActor, type Rollback, rollback } from './memory.js';
import { type MembershipParts, membershipParts } from './membership/membership-parts.js';
import { type MigrationParts, migrationParts } from './migration/migration-parts.js';
import { type PlacementStrategy, placementStrategies } from './placement.js';
import {
  type ClaimActor,
  claimActor,
  type RegisterNode,
  registerNode,
  type ReleaseActors,
  releaseActors,
  type RenewLeases,
  renewLeases,
  type SweepEarlierLives,
  sweepEarlierLives,
} from './registry.js';
import type { ReadValue } from './sealed.js';
import { LatchedStopSignal, type StopSignal } from './stop-signal.js';

export interface KelpieParts extends MembershipParts, MigrationParts, AgentParts {
  // Registry: each one transaction.
  readonly register: RegisterNode;
  readonly sweep: SweepEarlierLives;
  readonly claim: ClaimActor;
  readonly release: ReleaseActors;
  readonly renew: RenewLeases;
  /** In which order the claims and releases of a node run. */
  readonly registryLane: () => TaskLane;
  // Leases: how a holder and how a challenger count.
  readonly leaseTerm: LeaseTerm;
  readonly leaseJudge: (clock: Clock) => LeaseJudge;
  // Activation, from the first read to the last write.
  readonly readValue: ReadValue;
  readonly load: LoadActor;
  readonly giveBack: GiveBack;
  readonly deactivate: SaveOnDeactivate;
  // Invocation and commit.
  readonly kv: MakeKv;
  readonly rollback: Rollback;
  readonly fence: ReadFence;
  readonly commit: CommitWrites;
  readonly resolve: ResolveCommit;
  readonly outcomes: OutcomeLog;
  // Dispatcher.
  readonly intake: (config: KelpieConfig) => Intake;
  readonly admission: (config: KelpieConfig) => Admission;
  readonly afterFailedForward: AfterFailedForward;
  readonly place: (config: KelpieConfig) => PlacementStrategy;
  // Shutdown.
  readonly stopSignal: () => StopSignal;
}

/** The runtime as it should be. */
export const correctParts: KelpieParts = {
  ...membershipParts,
  ...migrationParts,
  ...agentParts,
  register: registerNode,
  sweep: sweepEarlierLives,
  claim: claimActor,
  release: releaseActors,
  renew: renewLeases,
  registryLane: () => new Lane(),
  leaseTerm: monotonicLeaseTerm,
  leaseJudge: (clock) => new ObservingLeaseJudge(clock),
  readValue: (transaction, key) => transaction.get(key),
  load: loadActor,
  giveBack,
  deactivate: saveOnDeactivate,
  kv: makeBufferedKv,
  rollback,
  fence: readFence,
  commit: commitWrites,
  resolve: resolveCommit,
  outcomes: outcomeLog,
  intake: (config) => new CountingIntake(config.mailbox),
  admission: (config) => new CountingAdmission(config.pendingPerActor),
  afterFailedForward,
  place: (config) => placementStrategies[config.placement],
  stopSignal: () => new LatchedStopSignal(),
};
