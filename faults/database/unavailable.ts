/** The store has lost its quorum: nothing is answered until it is back, then everything that waited is. */
import { judging } from '../fault.js';
import { parameters, servers } from '../parameters.js';

export const unavailable = judging('database', {
  id: 'database/unavailable',
  summary: 'the store answers nothing until the episode ends',
  needs: ['database'],
  core: false,
  ...parameters({ nodes: servers() }),
  judge: (event, params) => (params.nodes.includes(event.node) ? { kind: 'hold' } : undefined),
});
