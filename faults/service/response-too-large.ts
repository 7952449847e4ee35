/** A response is larger than anybody asked for. */
import { judging } from '../fault.js';
import { amount, callers, hits, LONG_EPISODE, parameters, rate } from '../parameters.js';

export const responseTooLarge = judging('service', {
  id: 'service/response-too-large',
  summary: 'responses are larger than the caller accepts',
  needs: ['service'],
  core: false,
  ...parameters({ nodes: callers(), rate: rate(100, 1000), bytes: amount(65_536, 67_108_864) }, LONG_EPISODE),
  judge(event, params, random) {
    if (params.bytes === 0 || !hits(event, params, random)) return undefined;
    return { kind: 'inflate', bytes: params.bytes };
  },
});
