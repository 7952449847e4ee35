/** Every bound of a node is as small as it may legally be. */
import { striking } from '../fault.js';
import { downable, LONG_EPISODE, parameters, servers } from '../parameters.js';
import { restartWith } from '../restart-with.js';

export const tinyBuffers = striking({
  id: 'resource/tiny-buffers',
  summary: 'every bound of a node is as small as it may be',
  needs: ['process', 'resource'],
  core: false,
  allowed: (budget) => budget.downMax > 0,
  ...parameters({ nodes: servers(downable) }, LONG_EPISODE),
  strike: (world, params) => restartWith(world, params.nodes, 'tiny-buffers'),
});
