/** A node takes on almost no actor: calls that would be placed there are refused, and must go elsewhere or be tried again. */
import { striking } from '../fault.js';
import { downable, LONG_EPISODE, parameters, servers } from '../parameters.js';
import { restartWith } from '../restart-with.js';

export const callRejected = striking({
  id: 'cluster/call-rejected',
  summary: 'nodes take on almost no actor and refuse calls',
  needs: ['process', 'cluster'],
  core: false,
  allowed: (budget) => budget.downMax > 0,
  ...parameters({ nodes: servers(downable) }, LONG_EPISODE),
  strike: (world, params) => restartWith(world, params.nodes, 'tiny-capacity'),
});
