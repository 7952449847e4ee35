/** The mailbox of each actor holds almost nothing, so that it is full as soon as two calls meet. */
import { striking } from '../fault.js';
import { downable, LONG_EPISODE, parameters, servers } from '../parameters.js';
import { restartWith } from '../restart-with.js';

export const mailboxFull = striking({
  id: 'resource/mailbox-full',
  summary: 'mailboxes of actors hold almost nothing',
  needs: ['process', 'resource'],
  core: false,
  allowed: (budget) => budget.downMax > 0,
  ...parameters({ nodes: servers(downable) }, LONG_EPISODE),
  strike: (world, params) => restartWith(world, params.nodes, 'tiny-mailbox'),
});
