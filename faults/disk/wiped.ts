/** A server comes back with an empty disk, as after a replaced machine. It must not pass for what it was. */
import { striking } from '../fault.js';
import { downable, liars, parameters } from '../parameters.js';

export const wiped = striking({
  id: 'disk/wiped',
  summary: 'servers die and come back with an empty disk',
  needs: ['disk', 'process'],
  core: false,
  allowed: (budget) => budget.lyingDisksMax > 0 && budget.downMax > 0,
  ...parameters({ nodes: liars(downable) }),
  strike(world, params) {
    const killed = params.nodes.filter((node) => world.kill(node, 'disk/wiped'));
    for (const node of killed) world.disk.wipe(node);
    return () => {
      for (const node of killed) world.restart(node);
    };
  },
});
