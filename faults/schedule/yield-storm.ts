/** Steps of a server are put off by a moment again and again, so that others come in between at every await. */
import { judging } from '../fault.js';
import { amount, hits, parameters, rate, servers } from '../parameters.js';

export const yieldStorm = judging('step', {
  id: 'schedule/yield-storm',
  summary: 'steps of some servers are put off by moments, so that others come in between',
  needs: ['schedule'],
  core: false,
  ...parameters({ nodes: servers(), rate: rate(50, 700), micros: amount(1, 20_000) }),
  judge(event, params, random) {
    if (params.micros === 0 || !hits(event, params, random)) return undefined;
    return { kind: 'delay', micros: random.between(1, params.micros) };
  },
});
