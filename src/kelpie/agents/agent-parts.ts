/** The decisions of agents, their memory and the journal of their steps, each a part of the assembly. */
import type { Clock, Micros } from '../../ports.js';
import { type CheckpointParts, correctCheckpointParts } from '../checkpoint.js';
import { correctMemoryParts, type MemoryParts } from '../memory-tiers/memory-parts.js';
import { correctWalParts, type WalParts } from '../wal/wal.js';
import { type IndexState, indexAgents } from './agent-index.js';
import { EpochIdempotencyLog, type IdempotencyLog } from './idempotency.js';
import { type AgentOperations, agentOperations } from './operations.js';

export interface AgentParts {
  /** What commits together with an actor's state, so that it is found from outside. */
  readonly index: IndexState;
  readonly agentOperations: AgentOperations;
  /** Made for each activation of an agent. */
  readonly idempotency: (clock: Clock, keptMicros: Micros) => IdempotencyLog;
  readonly memory: MemoryParts;
  readonly wal: WalParts;
  readonly checkpoint: CheckpointParts;
}

export const agentParts: AgentParts = {
  index: indexAgents,
  agentOperations,
  idempotency: (clock, keptMicros) => new EpochIdempotencyLog(clock, keptMicros),
  memory: correctMemoryParts,
  wal: correctWalParts,
  checkpoint: correctCheckpointParts,
};
