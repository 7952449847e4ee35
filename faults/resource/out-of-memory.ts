/** The operating system kills a process that is taking in messages: the more it is given, the likelier, as with real memory. */
import { judging } from '../fault.js';
import { downable, hits, parameters, rate, servers } from '../parameters.js';

export const outOfMemory = judging('step', {
  id: 'resource/out-of-memory',
  summary: 'servers are killed for memory while they take in messages',
  needs: ['process', 'resource'],
  core: false,
  allowed: (budget) => budget.downMax > 0,
  ...parameters({ nodes: servers(downable), rate: rate(10, 300) }),
  judge: (event, params, random) => (event.what === 'message' && hits(event, params, random) ? { kind: 'crash' } : undefined),
});
