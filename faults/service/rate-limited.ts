/** The peer answers 429 and says after how many seconds to come again. */
import { judging } from '../fault.js';
import { amount, callers, hits, LONG_EPISODE, parameters, rate } from '../parameters.js';

export const rateLimited = judging('service', {
  id: 'service/rate-limited',
  summary: 'peers answer 429 with retry-after',
  needs: ['service'],
  core: false,
  ...parameters({ nodes: callers(), rate: rate(100, 1000), retryAfterSeconds: amount(1, 60) }, LONG_EPISODE),
  judge: (event, params, random) =>
    hits(event, params, random)
      ? { kind: 'status', status: 429, headers: { 'retry-after': String(params.retryAfterSeconds) }, acted: false }
      : undefined,
});
