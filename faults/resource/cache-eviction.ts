/** What a node keeps in memory is thrown out at once: actors right after each call, lists of nodes, routes. */
import { striking } from '../fault.js';
import { downable, LONG_EPISODE, parameters, servers } from '../parameters.js';
import { restartWith } from '../restart-with.js';

export const cacheEviction = striking({
  id: 'resource/cache-eviction',
  summary: 'nodes keep nothing in memory for long',
  needs: ['process', 'resource'],
  core: false,
  allowed: (budget) => budget.downMax > 0,
  ...parameters({ nodes: servers(downable) }, LONG_EPISODE),
  strike: (world, params) => restartWith(world, params.nodes, 'tiny-cache'),
});
