/** What every part of a node is handed: the world, the configuration, the assembly, and who the node is. */
import type { NodeId, Platform } from '../ports.js';
import type { KelpieConfig } from './config.js';
import type { Deadlines } from './deadlines.js';
import type { TaskLane } from './lane.js';
import type { LeaseJudge } from './lease.js';
import type { KelpieParts } from './parts.js';
import type { Teller } from './tell.js';

export interface Runtime {
  readonly platform: Platform;
  readonly config: KelpieConfig;
  readonly parts: KelpieParts;
  readonly teller: Teller;
  readonly deadlines: Deadlines;
  readonly judge: LeaseJudge;
  /**
   * Claims and releases of this node one after the other: all of them write the node's count, so at once they would only make each
   * other conflict.
   */
  readonly registryLane: TaskLane;
  readonly node: NodeId;
  /** Which registration of the node this is; 0 until it is registered. */
  readonly life: number;
}
