/** Processes die without a word and come back when the episode ends: memory gone, disk as the crash left it. */
import { striking } from '../fault.js';
import { AIM, aimed, downable, parameters, servers } from '../parameters.js';

export const kill = striking({
  id: 'crash/kill',
  summary: 'servers die at once and restart at the end of the episode',
  needs: ['process'],
  core: false,
  allowed: (budget) => budget.downMax > 0,
  ...parameters({ nodes: servers(downable), aim: AIM }),
  aim: aimed,
  strike(world, params) {
    const killed = params.nodes.filter((node) => world.kill(node, 'crash/kill'));
    return () => {
      for (const node of killed) world.restart(node);
    };
  },
});
