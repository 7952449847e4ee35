/** Every operation takes longer, some much longer: a disk that retries internally before it gives up. */
import { judging } from '../fault.js';
import { amount, hits, LONG_EPISODE, parameters, rate, servers } from '../parameters.js';

export const slow = judging('disk', {
  id: 'disk/slow',
  summary: 'disk operations are late by a random time',
  needs: ['disk'],
  core: true,
  ...parameters({ nodes: servers(), rate: rate(100, 1000), micros: amount(500, 2_000_000) }, LONG_EPISODE),
  judge(event, params, random) {
    if (params.micros === 0 || !hits(event, params, random)) return undefined;
    return { kind: 'delay', micros: random.between(1, params.micros) };
  },
});
