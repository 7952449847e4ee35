/** Programs read their disks when they start: what the faults of reading bring along, so that they meet a read at all. */
import type { NodeId, Random } from '../src/ports.js';
import type { Budget } from '../src/sim/seams.js';
import type { Episode } from '../src/run.js';
import type { Companion } from './fault.js';

const DOWN_MICROS_MAX = 1_000_000;

/** In every second draw, as far as servers may go down: a crash of the same servers, and a start within the episode. */
export function restartToRead(
  { startMicros, durationMicros, nodes }: Episode & { readonly nodes: readonly NodeId[] },
  random: Random,
  { downMax }: Budget,
): readonly Companion[] {
  if (downMax < 1 || random.chance(1, 2)) return [];
  const half = Math.max(1, Math.floor(durationMicros / 2));
  const downMicros = random.between(1, Math.min(half, DOWN_MICROS_MAX));
  const crash = { startMicros: startMicros + random.int(half), durationMicros: downMicros, nodes: nodes.slice(0, downMax), aim: 'nodes' };
  return [{ id: 'crash/kill', params: crash }];
}
