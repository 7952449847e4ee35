/** The response is whole, says success, and its body is not what was agreed on. */
import { judging } from '../fault.js';
import { callers, hits, LONG_EPISODE, parameters, rate } from '../parameters.js';

export const malformedBody = judging('service', {
  id: 'service/malformed-body',
  summary: 'responses have a body that makes no sense',
  needs: ['service'],
  core: false,
  ...parameters({ nodes: callers(), rate: rate(100, 1000) }, LONG_EPISODE),
  judge: (event, params, random) => (hits(event, params, random) ? { kind: 'garble' } : undefined),
});
