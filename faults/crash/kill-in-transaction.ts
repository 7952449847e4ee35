/**
 * A process dies between sending a commit and hearing of it: the moment at which only the store knows what happened. Whether
 * the store got the commit is drawn.
 */
import { judging } from '../fault.js';
import { downable, happens, parameters, rate, servers } from '../parameters.js';

export const killInTransaction = judging('database', {
  id: 'crash/kill-in-transaction',
  summary: 'servers die between the send and the answer of a commit',
  needs: ['process', 'database'],
  core: false,
  allowed: (budget) => budget.downMax > 0,
  ...parameters({ nodes: servers(downable), rate: rate(100, 1000) }),
  judge(event, params, random) {
    if (event.operation !== 'commit' || event.readOnly || !params.nodes.includes(event.node)) return undefined;
    return happens(params.rate, random) ? { kind: 'crash', applied: random.chance(1, 2) } : undefined;
  },
});
