/** Nobody listens at the peer: the request was certainly not acted on. */
import { judging } from '../fault.js';
import { callers, hits, LONG_EPISODE, parameters, rate } from '../parameters.js';

export const refused = judging('service', {
  id: 'service/refused',
  summary: 'peers refuse connections',
  needs: ['service'],
  core: false,
  ...parameters({ nodes: callers(), rate: rate(100, 1000) }, LONG_EPISODE),
  judge: (event, params, random) => (hits(event, params, random) ? { kind: 'fail', code: 'refused', acted: false } : undefined),
});
