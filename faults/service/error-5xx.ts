/** The peer says that it failed. It may have acted before it did. */
import { judging } from '../fault.js';
import { callers, choice, hits, LONG_EPISODE, parameters, rate } from '../parameters.js';

export const error5xx = judging('service', {
  id: 'service/error-5xx',
  summary: 'peers answer 500, 502, 503 or 504',
  needs: ['service'],
  core: false,
  ...parameters({ nodes: callers(), rate: rate(100, 1000), status: choice(500, 502, 503, 504) }, LONG_EPISODE),
  judge: (event, params, random) =>
    hits(event, params, random) ? { kind: 'status', status: params.status, headers: {}, acted: random.chance(1, 2) } : undefined,
});
