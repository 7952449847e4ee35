/** A machine loses power while writes are under way: the shared strike of the faults that say what a crash does to them. */
import type { Micros, NodeId } from '../src/ports.js';
import type { CrashBehaviour, World } from '../src/sim/seams.js';

/** Crashes the servers some time into the episode with this behaviour of their disks, and boots them again at its end. */
export function powerLoss(
  world: World,
  params: { readonly nodes: readonly NodeId[]; readonly durationMicros: Micros; readonly crashAfterMicros: Micros },
  behaviour: CrashBehaviour,
): () => void {
  for (const node of params.nodes) world.disk.crashBehaviour(node, behaviour);
  const killed: NodeId[] = [];
  // Later than half of a short episode there would be no time to be down.
  world.after(Math.min(params.crashAfterMicros, Math.floor(params.durationMicros / 2)), () => {
    for (const node of params.nodes) if (world.kill(node, `power loss (${behaviour})`)) killed.push(node);
  });
  return () => {
    for (const node of params.nodes) world.disk.crashBehaviour(node, undefined);
    for (const node of killed) world.restart(node);
  };
}
