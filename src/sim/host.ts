/** What a simulated device (disk, database, services, network) may ask of the kernel. The kernel implements it; tests use it alone. */
import type { Micros, NodeId, Random } from '../ports.js';
import type { WorldEvent } from '../trace.js';
import type { Judge } from './seams.js';

/** One life of a node. A dead one never runs again. */
export interface Incarnation {
  readonly node: NodeId;
  /** Counts from 1. */
  readonly life: number;
  readonly alive: boolean;
}

export interface Scheduled {
  cancel(): void;
}

export interface Host {
  now(): Micros;
  /**
   * Runs `callback` after `micros` of simulated time (0: after what is ready now). With an owner it runs as that process:
   * not at all when the owner is dead by then, later when it is paused. Without one it runs as the world.
   */
  after(micros: Micros, owner: Incarnation | undefined, what: string, callback: () => void): Scheduled;
  /** Adds a world event to the trace under this node. */
  tell(owner: Incarnation | undefined, event: WorldEvent): void;
  /** A labelled random stream of the run. */
  random(label: string): Random;
  readonly judge: Judge;
  /** Kills the process at once: nothing it still does in this step has an effect, and it never runs again. */
  kill(owner: Incarnation, reason: string): void;
}

/**
 * A reliable, ordered stream between two addresses, as TCP gives it: loss is repaired by retransmission and costs time, a
 * connection that gets nothing through for long breaks. The sender learns of a break, never of an arrival.
 */
export interface StreamLink {
  /**
   * `arrived` runs as `receiver` (as the world when undefined), `broken` as `sender`. At most one of them runs, and neither
   * when its process is dead by then.
   */
  send(message: StreamMessage): void;
}

export interface StreamMessage {
  readonly from: NodeId;
  readonly to: NodeId;
  readonly bytes: number;
  readonly sender: Incarnation | undefined;
  readonly receiver: Incarnation | undefined;
  arrived(): void;
  broken(): void;
}
