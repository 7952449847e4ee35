/** Servers are restarted in order under other settings: the shared strike of the faults that are a matter of configuration. */
import type { NodeId } from '../src/ports.js';
import type { World } from '../src/sim/seams.js';

/** Stops each server gracefully and boots it under the variant of the scenario; healing brings each back to its own settings. */
export function restartWith(world: World, nodes: readonly NodeId[], variant: string): () => void {
  const changed = nodes.filter((node) => world.reconfigure(node, variant));
  for (const node of changed) restart(world, node);
  return () => {
    for (const node of changed) {
      world.reconfigure(node, undefined);
      restart(world, node);
    }
  };
}

/** In one go: what is stopping boots again when it has stopped. */
function restart(world: World, node: NodeId): void {
  if (world.stop(node)) world.restart(node);
}
