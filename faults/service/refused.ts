/** Nobody listens at the peer: the request was certainly not acted on. */
import { judging } from '../fault.js';
import { hits, LONG_EPISODE, parameters, rate, servers } from '../parameters.js';

export const refused = judging('service', {
  id: 'service/refused',
  summary: 'peers refuse connections',
  needs: ['service'],
  core: false,
  ...parameters({ nodes: servers(), rate: rate(100, 1000) }, LONG_EPISODE),
  judge: (event, params, random) => (hits(event, params, random) ? { kind: 'fail', code: 'refused', acted: false } : undefined),
});
