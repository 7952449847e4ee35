/** Servers are asked to stop (SIGTERM), drain, and start again at the end of the episode: the everyday restart. */
import { striking } from '../fault.js';
import { AIM, aimed, downable, parameters, servers } from '../parameters.js';

export const gracefulStop = striking({
  id: 'crash/graceful-stop',
  summary: 'servers are stopped gracefully and start again at the end',
  needs: ['process'],
  core: false,
  allowed: (budget) => budget.downMax > 0,
  ...parameters({ nodes: servers(downable), aim: AIM }),
  aim: aimed,
  strike(world, params) {
    const stopped = params.nodes.filter((node) => world.stop(node));
    return () => {
      for (const node of stopped) world.restart(node);
    };
  },
});
