/** Wall clocks that faults have moved, so that healing sets them right again as a time service would. */
import type { Micros, NodeId } from '../src/ports.js';
import type { Budget, World } from '../src/sim/seams.js';

/** A day: a clock further off is not a clock. */
export const CLOCK_MICROS_MAX: Micros = 86_400_000_000;

/** How far a wall clock may be off. */
export const skewable = (budget: Budget): Micros => budget.clockSkewMicrosMax;

export interface ShiftedClocks {
  /** Moves the wall clock of a server by this much. */
  shift(node: NodeId, micros: Micros): void;
  /** Moves every clock back by what it was moved. */
  restore(): void;
}

export function shiftedClocks(world: World): ShiftedClocks {
  const moved = new Map<NodeId, Micros>();
  return {
    shift(node, micros) {
      if (micros !== 0 && world.clock.jump(node, micros)) moved.set(node, (moved.get(node) ?? 0) + micros);
    },
    restore() {
      for (const [node, micros] of moved) if (micros !== 0) world.clock.jump(node, -micros);
    },
  };
}
