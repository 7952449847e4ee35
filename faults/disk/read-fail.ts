/** Reads fail with EIO. What could not be read is not empty: taking it as absent loses data. */
import { judging } from '../fault.js';
import { hits, LONG_EPISODE, parameters, rate, servers } from '../parameters.js';
import { restartToRead } from '../restart-to-read.js';

export const readFail = judging('disk', {
  id: 'disk/read-fail',
  summary: 'reads fail (EIO) at a rate',
  needs: ['disk'],
  core: true,
  ...parameters({ nodes: servers(), rate: rate(100, 1000) }, LONG_EPISODE),
  brings: restartToRead,
  judge: (event, params, random) => (event.operation === 'read' && hits(event, params, random) ? { kind: 'fail', code: 'EIO' } : undefined),
});
