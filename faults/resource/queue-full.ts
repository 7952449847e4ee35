/** The queue of calls of a whole node holds almost nothing: one slow actor fills it for all. */
import { striking } from '../fault.js';
import { downable, LONG_EPISODE, parameters, servers } from '../parameters.js';
import { restartWith } from '../restart-with.js';

export const queueFull = striking({
  id: 'resource/queue-full',
  summary: 'the queue of calls of a node holds almost nothing',
  needs: ['process', 'resource'],
  core: false,
  allowed: (budget) => budget.downMax > 0,
  ...parameters({ nodes: servers(downable) }, LONG_EPISODE),
  strike: (world, params) => restartWith(world, params.nodes, 'tiny-queue'),
});
