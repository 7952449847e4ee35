/** The peer dies while it works on a request; it may have acted on it. */
import { judging } from '../fault.js';
import { callers, hits, LONG_EPISODE, parameters, rate } from '../parameters.js';

export const serverCrash = judging('service', {
  id: 'service/server-crash',
  summary: 'peers die in the middle of a request',
  needs: ['service'],
  core: false,
  ...parameters({ nodes: callers(), rate: rate(100, 1000) }, LONG_EPISODE),
  judge: (event, params, random) => (hits(event, params, random) ? { kind: 'fail', code: 'reset', acted: random.chance(1, 2) } : undefined),
});
