/** The steps of an agent's memory that decide something, each a part of its own. */
import type { Micros } from '../../ports.js';
import { Lane, type TaskLane } from '../lane.js';

/** Runs the operations of one agent's memory one after the other, also across their awaits. */
export type MemoryLane = TaskLane;

export interface MemoryParts {
  readonly lane: () => MemoryLane;
  /** Whether an entry of working memory counts no more. */
  readonly expired: (expiresMicros: Micros | null, nowMicros: Micros) => boolean;
  /** Called when there is not enough room for a new entry: `drop` drops all expired ones. Answers how many bytes are free now that were not. */
  readonly reclaim: (drop: () => Promise<number>) => Promise<number>;
}

export const correctMemoryParts: MemoryParts = {
  lane: () => new Lane(),
  expired: (expiresMicros, nowMicros) => expiresMicros !== null && nowMicros >= expiresMicros,
  reclaim: (drop) => drop(),
};
