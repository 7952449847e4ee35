/** The peer says that the request is wrong, and did not act on it. */
import { judging } from '../fault.js';
import { callers, choice, hits, LONG_EPISODE, parameters, rate } from '../parameters.js';

export const error4xx = judging('service', {
  id: 'service/error-4xx',
  summary: 'peers answer 400, 403, 404, 409 or 422',
  needs: ['service'],
  core: false,
  ...parameters({ nodes: callers(), rate: rate(100, 1000), status: choice(400, 403, 404, 409, 422) }, LONG_EPISODE),
  judge: (event, params, random) =>
    hits(event, params, random) ? { kind: 'status', status: params.status, headers: {}, acted: false } : undefined,
});
