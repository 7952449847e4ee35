/** A read brings what the platter held before the latest durable change of a page. */
import { judging } from '../fault.js';
import { hits, LASTING_EPISODE, liars, parameters, rate } from '../parameters.js';
import { restartToRead } from '../restart-to-read.js';

export const staleRead = judging('disk', {
  id: 'disk/stale-read',
  summary: 'reads bring what pages held before their latest change',
  needs: ['disk'],
  core: true,
  allowed: (budget) => budget.lyingDisksMax > 0,
  ...parameters({ nodes: liars(), rate: rate(300, 1000) }, LASTING_EPISODE),
  brings: restartToRead,
  judge: (event, params, random) => (event.operation === 'read' && hits(event, params, random) ? { kind: 'stale' } : undefined),
});
