/** The steps of an agent's memory that decide something, each a part of its own. */
import type { Micros } from '../../ports.js';
import { Lane } from '../lane.js';

/** Runs the operations of one agent's memory one after the other, also across their awaits. */
export interface MemoryLane {
  run<T>(operation: () => Promise<T>): Promise<T>;
}

export interface MemoryParts {
  readonly lane: () => MemoryLane;
  /** Whether an entry of working memory counts no more. */
  readonly expired: (expiresMicros: Micros | null, nowMicros: Micros) => boolean;
  /** Whether expired entries give their room back when there is not enough for a new one. */
  readonly reclaims: boolean;
}

export const correctMemoryParts: MemoryParts = {
  lane: () => new Lane(),
  expired: (expiresMicros, nowMicros) => expiresMicros !== null && nowMicros >= expiresMicros,
  reclaims: true,
};
