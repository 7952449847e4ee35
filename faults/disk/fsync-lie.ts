/** The disk says that data is durable and keeps it in a volatile cache. */
import { judging } from '../fault.js';
import { hits, liars, LONG_EPISODE, parameters, rate } from '../parameters.js';

export const fsyncLie = judging('disk', {
  id: 'disk/fsync-lie',
  summary: 'fsync says yes and does nothing',
  needs: ['disk'],
  core: true,
  allowed: (budget) => budget.lyingDisksMax > 0,
  ...parameters({ nodes: liars(), rate: rate(300, 1000) }, LONG_EPISODE),
  judge: (event, params, random) => (event.operation === 'sync' && hits(event, params, random) ? { kind: 'phantom' } : undefined),
});
