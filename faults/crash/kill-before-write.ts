/** A process dies just before a write, sync or rename takes effect: it thought of it and never did it. */
import { judging } from '../fault.js';
import { downable, hits, LONG_EPISODE, parameters, rate, servers } from '../parameters.js';

export const killBeforeWrite = judging('disk', {
  id: 'crash/kill-before-write',
  summary: 'servers die just before a write takes effect',
  needs: ['process', 'disk'],
  core: false,
  allowed: (budget) => budget.downMax > 0,
  ...parameters({ nodes: servers(downable), rate: rate(100, 1000) }, LONG_EPISODE),
  judge(event, params, random) {
    if (event.operation !== 'write' && event.operation !== 'sync' && event.operation !== 'rename') return undefined;
    return hits(event, params, random) ? { kind: 'crash', when: 'before' } : undefined;
  },
});
