/** The response breaks off before its end, after the peer acted. */
import { judging } from '../fault.js';
import { callers, hits, LONG_EPISODE, parameters, rate } from '../parameters.js';

export const truncatedStream = judging('service', {
  id: 'service/truncated-stream',
  summary: 'responses break off before their end',
  needs: ['service'],
  core: false,
  ...parameters({ nodes: callers(), rate: rate(100, 1000) }, LONG_EPISODE),
  judge: (event, params, random) => (hits(event, params, random) ? { kind: 'fail', code: 'truncated', acted: true } : undefined),
});
