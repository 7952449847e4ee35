/**
 * Processes die without a word and come back when the episode ends: memory gone, disk as the crash left it. Some of them aim at who holds
 * a role by then, since a cluster has more to do when it loses just that node; where nobody holds it, the drawn ones die.
 */
import { striking } from '../fault.js';
import { choice, downable, parameters, ROLES, servers } from '../parameters.js';

export const kill = striking({
  id: 'crash/kill',
  summary: 'servers die at once and restart at the end of the episode',
  needs: ['process'],
  core: false,
  allowed: (budget) => budget.downMax > 0,
  ...parameters({ nodes: servers(downable), aim: choice('nodes', ...ROLES) }),
  strike(world, params) {
    const holder = params.aim === 'nodes' ? undefined : world.role(params.aim);
    const killed = (holder === undefined ? params.nodes : [holder]).filter((node) => world.kill(node, 'crash/kill'));
    return () => {
      for (const node of killed) world.restart(node);
    };
  },
});
