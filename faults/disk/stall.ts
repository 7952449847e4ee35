/** Operations do not complete until the episode ends: a hung controller or network file system. Nothing fails, nothing returns. */
import { judging } from '../fault.js';
import { LONG_EPISODE, parameters, servers } from '../parameters.js';

export const stall = judging('disk', {
  id: 'disk/stall',
  summary: 'disk operations do not complete until the episode ends',
  needs: ['disk'],
  core: true,
  ...parameters({ nodes: servers() }, LONG_EPISODE),
  judge: (event, params) => (params.nodes.includes(event.node) ? { kind: 'hold' } : undefined),
});
