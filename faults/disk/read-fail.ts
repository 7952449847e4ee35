/** Reads fail with EIO. What could not be read is not empty: taking it as absent loses data. */
import { judging } from '../fault.js';
import { hits, LASTING_EPISODE, parameters, rate, servers } from '../parameters.js';
import { restartToRead } from '../restart-to-read.js';

export const readFail = judging('disk', {
  id: 'disk/read-fail',
  summary: 'reads fail (EIO) at a rate',
  needs: ['disk'],
  core: true,
  ...parameters({ nodes: servers(), rate: rate(300, 1000) }, LASTING_EPISODE),
  brings: restartToRead,
  judge: (event, params, random) => (event.operation === 'read' && hits(event, params, random) ? { kind: 'fail', code: 'EIO' } : undefined),
});
