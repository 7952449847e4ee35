/** A write is acknowledged and was never done. */
import { judging } from '../fault.js';
import { hits, liars, LONG_EPISODE, parameters, rate } from '../parameters.js';

export const phantomWrite = judging('disk', {
  id: 'disk/phantom-write',
  summary: 'writes are acknowledged and not done',
  needs: ['disk'],
  core: true,
  allowed: (budget) => budget.lyingDisksMax > 0,
  ...parameters({ nodes: liars(), rate: rate(100, 1000) }, LONG_EPISODE),
  judge: (event, params, random) => (event.operation === 'write' && hits(event, params, random) ? { kind: 'phantom' } : undefined),
});
