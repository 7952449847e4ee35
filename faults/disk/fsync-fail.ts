/** An fsync fails and the kernel forgets that the pages were dirty: the next fsync succeeds without them (PostgreSQL's "fsyncgate", 2018). */
import { judging } from '../fault.js';
import { hits, LONG_EPISODE, parameters, rate, servers } from '../parameters.js';

export const fsyncFail = judging('disk', {
  id: 'disk/fsync-fail',
  summary: 'fsync fails, and the dirty pages are then forgotten',
  needs: ['disk'],
  core: true,
  ...parameters({ nodes: servers(), rate: rate(100, 1000) }, LONG_EPISODE),
  judge: (event, params, random) => (event.operation === 'sync' && hits(event, params, random) ? { kind: 'fail-and-forget' } : undefined),
});
