/** Files cannot be opened (EIO): the directory entry is there, the inode is not readable. */
import { judging } from '../fault.js';
import { hits, LONG_EPISODE, parameters, rate, servers } from '../parameters.js';

export const openFail = judging('disk', {
  id: 'disk/open-fail',
  summary: 'opening files fails (EIO) at a rate',
  needs: ['disk'],
  core: true,
  ...parameters({ nodes: servers(), rate: rate(100, 1000) }, LONG_EPISODE),
  judge: (event, params, random) => (event.operation === 'open' && hits(event, params, random) ? { kind: 'fail', code: 'EIO' } : undefined),
});
