/** The response breaks off before its end, after the peer acted. */
import { judging } from '../fault.js';
import { hits, LONG_EPISODE, parameters, rate, servers } from '../parameters.js';

export const truncatedStream = judging('service', {
  id: 'service/truncated-stream',
  summary: 'responses break off before their end',
  needs: ['service'],
  core: false,
  ...parameters({ nodes: servers(), rate: rate(100, 1000) }, LONG_EPISODE),
  judge: (event, params, random) => (hits(event, params, random) ? { kind: 'fail', code: 'truncated', acted: true } : undefined),
});
