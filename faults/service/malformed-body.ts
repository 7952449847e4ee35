/** The response is whole, says success, and its body is not what was agreed on. */
import { judging } from '../fault.js';
import { hits, parameters, rate, servers } from '../parameters.js';

export const malformedBody = judging('service', {
  id: 'service/malformed-body',
  summary: 'responses have a body that makes no sense',
  needs: ['service'],
  core: false,
  ...parameters({ nodes: servers(), rate: rate(50, 1000) }),
  judge: (event, params, random) => (hits(event, params, random) ? { kind: 'garble' } : undefined),
});
