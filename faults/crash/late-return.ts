/** A server is gone for most of the chaos phase and comes back when everybody has settled without it. */
import { striking } from '../fault.js';
import { parameters, servers, single } from '../parameters.js';

const MOST = { shortestMicros: 30_000_000, longest: { numerator: 9, denominator: 10 } } as const;

export const lateReturn = striking({
  id: 'crash/late-return',
  summary: 'a server is missing for long and then comes back',
  needs: ['process'],
  core: false,
  allowed: (budget) => budget.downMax > 0,
  ...parameters({ nodes: servers(single) }, MOST),
  strike(world, params) {
    const killed = params.nodes.filter((node) => world.kill(node, 'crash/late-return'));
    return () => {
      for (const node of killed) world.restart(node);
    };
  },
});
