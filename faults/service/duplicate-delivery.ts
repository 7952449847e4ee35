/** A proxy repeats a request: the peer acts on it twice and the caller sees one answer. */
import { judging } from '../fault.js';
import { callers, hits, LONG_EPISODE, parameters, rate } from '../parameters.js';

export const duplicateDelivery = judging('service', {
  id: 'service/duplicate-delivery',
  summary: 'peers get one request twice',
  needs: ['service'],
  core: false,
  ...parameters({ nodes: callers(), rate: rate(100, 1000) }, LONG_EPISODE),
  judge: (event, params, random) => (hits(event, params, random) ? { kind: 'duplicate' } : undefined),
});
