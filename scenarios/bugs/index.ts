/** The known-bug corpus. A file that is missing here fails a test. */
import { activateBeforeMove } from './activate-before-move.js';
import { blindRelease } from './blind-release.js';
import type { KnownBug } from './bug.js';
import { checkpointSequenceFirst } from './checkpoint-sequence-first.js';
import { checkpointSplit } from './checkpoint-split.js';
import { claimLeak } from './claim-leak.js';
import { createAckBeforePersist } from './create-ack-before-persist.js';
import { deactivateHeals } from './deactivate-heals.js';
import { deadOwnerForward } from './dead-owner-forward.js';
import { defaultStateOnReadError } from './default-state-on-read-error.js';
import { deleteAckBeforePersist } from './delete-ack-before-persist.js';
import { expiredEntriesCapacity } from './expired-entries-capacity.js';
import { failoverNoop } from './failover-noop.js';
import { heartbeatLeaseUncoordinated } from './heartbeat-lease-uncoordinated.js';
import { joinNoop } from './join-noop.js';
import { keptBuffer } from './kept-buffer.js';
import { kvWriteThrough } from './kv-write-through.js';
import { lostUpdate } from './lost-update.js';
import { memoryInterleaving } from './memory-interleaving.js';
import { migrationNoAbort } from './migration-no-abort.js';
import { noFencing } from './no-fencing.js';
import { noRollback } from './no-rollback.js';
import { nonAtomicMemoryTxn } from './non-atomic-memory-txn.js';
import { pendingUnbounded } from './pending-unbounded.js';
import { phantomList } from './phantom-list.js';
import { quorumlessElection } from './quorumless-election.js';
import { racyClaim } from './racy-claim.js';
import { racyHeartbeat } from './racy-heartbeat.js';
import { racyLeaseExpiry } from './racy-lease-expiry.js';
import { racyRegister } from './racy-register.js';
import { readFaultAsAbsent } from './read-fault-as-absent.js';
import { shutdownRace } from './shutdown-race.js';
import { shutdownSignalMissed } from './shutdown-signal-missed.js';
import { splitElection } from './split-election.js';
import { staleBlobWins } from './stale-blob-wins.js';
import { staleRegistry } from './stale-registry.js';
import { stateOnlyCommit } from './state-only-commit.js';
import { unknownCommitAsFailure } from './unknown-commit-as-failure.js';
import { unknownCommitBlindRetry } from './unknown-commit-blind-retry.js';
import { unscopedKeys } from './unscoped-keys.js';
import { updateAckBeforePersist } from './update-ack-before-persist.js';
import { volatileIdempotency } from './volatile-idempotency.js';
import { walApplyBeforeSync } from './wal-apply-before-sync.js';
import { walDuplicateKey } from './wal-duplicate-key.js';
import { walNoFsync } from './wal-no-fsync.js';
import { walNoReplay } from './wal-no-replay.js';
import { walPartialReplay } from './wal-partial-replay.js';
import { walPrematureComplete } from './wal-premature-complete.js';
import { walReusedId } from './wal-reused-id.js';
import { wallClockLease } from './wall-clock-lease.js';

export type { KnownBug };

export const bugs: readonly KnownBug[] = [
  activateBeforeMove,
  blindRelease,
  checkpointSequenceFirst,
  checkpointSplit,
  claimLeak,
  createAckBeforePersist,
  deactivateHeals,
  deadOwnerForward,
  defaultStateOnReadError,
  deleteAckBeforePersist,
  expiredEntriesCapacity,
  failoverNoop,
  heartbeatLeaseUncoordinated,
  joinNoop,
  keptBuffer,
  kvWriteThrough,
  lostUpdate,
  memoryInterleaving,
  migrationNoAbort,
  noFencing,
  noRollback,
  nonAtomicMemoryTxn,
  pendingUnbounded,
  phantomList,
  quorumlessElection,
  racyClaim,
  racyHeartbeat,
  racyLeaseExpiry,
  racyRegister,
  readFaultAsAbsent,
  shutdownRace,
  shutdownSignalMissed,
  splitElection,
  staleBlobWins,
  staleRegistry,
  stateOnlyCommit,
  unknownCommitAsFailure,
  unknownCommitBlindRetry,
  unscopedKeys,
  updateAckBeforePersist,
  volatileIdempotency,
  walApplyBeforeSync,
  walDuplicateKey,
  walNoFsync,
  walNoReplay,
  walPartialReplay,
  walPrematureComplete,
  walReusedId,
  wallClockLease,
];
