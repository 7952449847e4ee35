/** A process dies right after a write, sync or rename took effect: it did it and never told. */
import { judging } from '../fault.js';
import { downable, hits, LONG_EPISODE, parameters, rate, servers } from '../parameters.js';

export const killAfterWrite = judging('disk', {
  id: 'crash/kill-after-write',
  summary: 'servers die right after a write took effect',
  needs: ['process', 'disk'],
  core: false,
  allowed: (budget) => budget.downMax > 0,
  ...parameters({ nodes: servers(downable), rate: rate(100, 1000) }, LONG_EPISODE),
  judge(event, params, random) {
    if (event.operation !== 'write' && event.operation !== 'sync' && event.operation !== 'rename') return undefined;
    return hits(event, params, random) ? { kind: 'crash', when: 'after' } : undefined;
  },
});
