/** Every promise there is. A file that is missing here fails a test. */
import { activationFindsCommits } from './activation-finds-commits.js';
import { actorLinearizability } from './actor-linearizability.js';
import { agentLinearizability } from './agent-linearizability.js';
import { answersUnderLease } from './answers-under-lease.js';
import { atomicCommit } from './atomic-commit.js';
import { atomicVisibility } from './atomic-visibility.js';
import { boundedQueues } from './bounded-queues.js';
import { bufferEmptyWhenIdle } from './buffer-empty-when-idle.js';
import { callsAreAnswered } from './calls-are-answered.js';
import { capacityBounds } from './capacity-bounds.js';
import { capacityConsistency } from './capacity-consistency.js';
import { checkpointAtomicity } from './checkpoint-atomicity.js';
import { checkpointStateConsistency } from './checkpoint-state-consistency.js';
import { claimsEndOnce } from './claims-end-once.js';
import { closedIntake } from './closed-intake.js';
import { conflictDetection } from './conflict-detection.js';
import { conservation } from './conservation.js';
import { consistentHolder } from './consistent-holder.js';
import { durability } from './durability.js';
import { durableOnSuccess } from './durable-on-success.js';
import { everyCallAnswered } from './every-call-answered.js';
import { exactlyOnce } from './exactly-once.js';
import { exactlyOnceExecution } from './exactly-once-execution.js';
import { failoverIsExecuted } from './failover-is-executed.js';
import { fencingTokenMonotonic } from './fencing-token-monotonic.js';
import { gracePeriodRespected } from './grace-period-respected.js';
import { gracefulDeactivation } from './graceful-deactivation.js';
import { heartbeatStatusSync } from './heartbeat-status-sync.js';
import { idempotency } from './idempotency.js';
import { idempotencyGuarantee } from './idempotency-guarantee.js';
import { idleTimeoutRespected } from './idle-timeout-respected.js';
import type { Invariant } from './invariant.js';
import { joinAtomicity } from './join-atomicity.js';
import { leaseExclusivity } from './lease-exclusivity.js';
import { leaseUniqueness } from './lease-uniqueness.js';
import { leaseValidityIfActive } from './lease-validity-if-active.js';
import { leasesAreRenewed } from './leases-are-renewed.js';
import { leasesAreTakenOver } from './leases-are-taken-over.js';
import { leavingIsRecorded } from './leaving-is-recorded.js';
import { lifecycleOrdering } from './lifecycle-ordering.js';
import { membershipConsistency } from './membership-consistency.js';
import { migrationAtomicity } from './migration-atomicity.js';
import { migrationRollback } from './migration-rollback.js';
import { monotonicity } from './monotonicity.js';
import { noEffectOnFailure } from './no-effect-on-failure.js';
import { noLeak } from './no-leak.js';
import { noLostWakeUp } from './no-lost-wake-up.js';
import { noPartialState } from './no-partial-state.js';
import { noResurrection } from './no-resurrection.js';
import { noSplitBrain } from './no-split-brain.js';
import { noStateLoss } from './no-state-loss.js';
import { noZombieComplete } from './no-zombie-complete.js';
import { noZombieWrite } from './no-zombie-write.js';
import { placementAgreesWithActivation } from './placement-agrees-with-activation.js';
import { readAfterWrite } from './read-after-write.js';
import { readYourWrites } from './read-your-writes.js';
import { recoveryCompleteness } from './recovery-completeness.js';
import { registryAgrees } from './registry-agrees.js';
import { registryPlacementConsistency } from './registry-placement-consistency.js';
import { renewalRequiresOwnership } from './renewal-requires-ownership.js';
import { rollbackCorrectness } from './rollback-correctness.js';
import { sequenceGapFree } from './sequence-gap-free.js';
import { serializableIsolation } from './serializable-isolation.js';
import { silentOwnersAreLeft } from './silent-owners-are-left.js';
import { singleActivation } from './single-activation.js';
import { singleActivationDuringMigration } from './single-activation-during-migration.js';
import { singleActivationPlacementConsistency } from './single-activation-placement-consistency.js';
import { snapshotReads } from './snapshot-reads.js';
import { stateConsistency } from './state-consistency.js';
import { statusConsistency } from './status-consistency.js';
import { stopsInTime } from './stops-in-time.js';
import { storeHoldsCommits } from './store-holds-commits.js';
import { strictSerializability } from './strict-serializability.js';
import { termMonotonic } from './term-monotonic.js';
import { transactionAtomicity } from './transaction-atomicity.js';
import { untouchedJournalsAreUsable } from './untouched-journals-are-usable.js';
import { workSucceeds } from './work-succeeds.js';

export const invariants: readonly Invariant[] = [
  activationFindsCommits,
  actorLinearizability,
  agentLinearizability,
  answersUnderLease,
  atomicCommit,
  atomicVisibility,
  boundedQueues,
  bufferEmptyWhenIdle,
  callsAreAnswered,
  capacityBounds,
  capacityConsistency,
  checkpointAtomicity,
  checkpointStateConsistency,
  claimsEndOnce,
  closedIntake,
  conflictDetection,
  conservation,
  consistentHolder,
  durability,
  durableOnSuccess,
  everyCallAnswered,
  exactlyOnceExecution,
  exactlyOnce,
  failoverIsExecuted,
  fencingTokenMonotonic,
  gracePeriodRespected,
  gracefulDeactivation,
  heartbeatStatusSync,
  idempotencyGuarantee,
  idempotency,
  idleTimeoutRespected,
  joinAtomicity,
  leaseExclusivity,
  leaseUniqueness,
  leaseValidityIfActive,
  leasesAreRenewed,
  leasesAreTakenOver,
  leavingIsRecorded,
  lifecycleOrdering,
  membershipConsistency,
  migrationAtomicity,
  migrationRollback,
  monotonicity,
  noEffectOnFailure,
  noLeak,
  noLostWakeUp,
  noPartialState,
  noResurrection,
  noSplitBrain,
  noStateLoss,
  noZombieComplete,
  noZombieWrite,
  placementAgreesWithActivation,
  readAfterWrite,
  readYourWrites,
  recoveryCompleteness,
  registryAgrees,
  registryPlacementConsistency,
  renewalRequiresOwnership,
  rollbackCorrectness,
  sequenceGapFree,
  serializableIsolation,
  silentOwnersAreLeft,
  singleActivationDuringMigration,
  singleActivationPlacementConsistency,
  singleActivation,
  snapshotReads,
  stateConsistency,
  statusConsistency,
  stopsInTime,
  storeHoldsCommits,
  strictSerializability,
  termMonotonic,
  transactionAtomicity,
  untouchedJournalsAreUsable,
  workSucceeds,
];
