/** The memory of one agent: three tiers over the agent's own key-value space, whose operations run one at a time. */
import type { Micros } from '../../ports.js';
import type { ActorKv } from '../actor.js';
import { ArchivalMemory } from './archival-memory.js';
import { CoreMemory } from './core-memory.js';
import { correctMemoryParts, type MemoryParts } from './memory-parts.js';
import { WorkingMemory } from './working-memory.js';

export class AgentMemory {
  readonly core: CoreMemory;
  readonly working: WorkingMemory;
  readonly archival: ArchivalMemory;

  /**
   * Make one an invocation: what it changes commits with everything else that the invocation does, or not at all.
   * @param now the wall clock, by which entries expire.
   */
  constructor(kv: ActorKv, now: () => Micros, parts: MemoryParts = correctMemoryParts) {
    // One lane for all tiers: an operation on one may decide by what it read in another.
    const lane = parts.lane();
    this.core = new CoreMemory(kv, lane);
    this.working = new WorkingMemory(kv, lane, parts, now);
    this.archival = new ArchivalMemory(kv, lane, now);
  }
}
