/** Every mapping there is. A folder here whose mapping is missing fails a test. */
import { mapping as actorLifecycle } from './actor-lifecycle/mapping.js';
import { mapping as actorState } from './actor-state/mapping.js';
import { mapping as agentService } from './agent-service/mapping.js';
import { mapping as checkpoint } from './checkpoint/mapping.js';
import { mapping as clusterMembership } from './cluster-membership/mapping.js';
import { mapping as fdbTransaction } from './fdb-transaction/mapping.js';
import { mapping as lease } from './lease/mapping.js';
import type { Mapping } from './mapping.js';
import { mapping as migration } from './migration/mapping.js';
import { mapping as registry } from './registry/mapping.js';
import { mapping as singleActivation } from './single-activation/mapping.js';
import { mapping as wal } from './wal/mapping.js';

export const mappings: readonly Mapping[] = [
  actorLifecycle,
  actorState,
  agentService,
  checkpoint,
  clusterMembership,
  fdbTransaction,
  lease,
  migration,
  registry,
  singleActivation,
  wal,
];
