/** Every scenario there is. A file that is missing here fails a test. */
import { actorLifecycle } from './actor-lifecycle.js';
import { agentCalls } from './agent-calls.js';
import { agentCrud } from './agent-crud.js';
import { agentIdempotency } from './agent-idempotency.js';
import { agentLoop } from './agent-loop.js';
import { backpressure } from './backpressure.js';
import { checkpointRestore } from './checkpoint-restore.js';
import { forwarding } from './forwarding.js';
import { heartbeatFailover } from './heartbeat-failover.js';
import { idleDeactivation } from './idle-deactivation.js';
import { kelpieCluster } from './kelpie-cluster.js';
import { kvStateAtomicity } from './kv-state-atomicity.js';
import { leaseHandover } from './lease-handover.js';
import { ledger } from './ledger.js';
import { membershipChurn } from './membership-churn.js';
import { memoryTiers } from './memory-tiers.js';
import { migration } from './migration.js';
import { phantomList } from './phantom-list.js';
import { placement } from './placement.js';
import { registryCapacity } from './registry-capacity.js';
import { shutdownRestart } from './shutdown-restart.js';
import { singleActivationRace } from './single-activation-race.js';
import { splitBrain } from './split-brain.js';
import { walRecovery } from './wal-recovery.js';
import { zombieOwner } from './zombie-owner.js';
import type { Scenario } from './scenario.js';

// Each scenario hands its own kind of parts to its own programs; nobody else looks into them.
export const scenarios: readonly Scenario[] = [
  actorLifecycle,
  agentCalls,
  agentCrud,
  agentIdempotency,
  agentLoop,
  backpressure,
  checkpointRestore,
  forwarding,
  heartbeatFailover,
  idleDeactivation,
  kelpieCluster,
  kvStateAtomicity,
  leaseHandover,
  ledger,
  membershipChurn,
  memoryTiers,
  migration,
  phantomList,
  placement,
  registryCapacity,
  shutdownRestart,
  singleActivationRace,
  splitBrain,
  walRecovery,
  zombieOwner,
];
