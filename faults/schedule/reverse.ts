/** What is ready at the same moment runs in the reverse of the order in which it came. */
import { judging } from '../fault.js';
import { happens, parameters, rate } from '../parameters.js';

export const reverse = judging('schedule', {
  id: 'schedule/reverse',
  summary: 'what is ready at the same moment runs last come first',
  needs: ['schedule'],
  core: false,
  ...parameters({ rate: rate(300, 1000) }),
  judge: (event, params, random) => (happens(params.rate, random) ? { kind: 'choose', index: event.nodes.length - 1 } : undefined),
});
