/** Programs read their disks when they start: what the faults of reading bring along, so that they meet a read at all. */
import type { NodeId, Random } from '../src/ports.js';
import type { Budget } from '../src/sim/seams.js';
import type { Episode } from '../src/run.js';
import type { Companion } from './fault.js';

const DOWN_MICROS_MAX = 1_000_000;

/** In three draws of four, where servers may go down: each of the same servers crashes, and starts again within the episode. */
export function restartToRead(
  { startMicros, durationMicros, nodes }: Episode & { readonly nodes: readonly NodeId[] },
  random: Random,
  { downMax }: Budget,
): readonly Companion[] {
  if (downMax < 1 || random.chance(1, 4)) return [];
  const longest = Math.max(1, Math.min(DOWN_MICROS_MAX, Math.floor(durationMicros / 2)));
  return nodes.map((node): Companion => {
    const own = random.fork(node);
    const downMicros = own.between(1, longest);
    const atMicros = startMicros + own.int(Math.max(1, durationMicros - downMicros));
    return { id: 'crash/kill', params: { startMicros: atMicros, durationMicros: downMicros, nodes: [node], aim: 'nodes' } };
  });
}
