/** A peer does not answer in time. Whether it acted on the request nobody knows. */
import { judging } from '../fault.js';
import { callers, hits, LONG_EPISODE, parameters, rate } from '../parameters.js';

export const timeout = judging('service', {
  id: 'service/timeout',
  summary: 'peers do not answer in time',
  needs: ['service'],
  core: false,
  ...parameters({ nodes: callers(), rate: rate(100, 1000) }, LONG_EPISODE),
  judge: (event, params, random) =>
    hits(event, params, random) ? { kind: 'fail', code: 'timeout', acted: random.chance(1, 2) } : undefined,
});
