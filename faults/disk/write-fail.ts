/** Writes fail with EIO and change nothing. */
import { judging } from '../fault.js';
import { hits, LONG_EPISODE, parameters, rate, servers } from '../parameters.js';

export const writeFail = judging('disk', {
  id: 'disk/write-fail',
  summary: 'writes fail (EIO) at a rate',
  needs: ['disk'],
  core: true,
  ...parameters({ nodes: servers(), rate: rate(100, 1000) }, LONG_EPISODE),
  judge: (event, params, random) =>
    event.operation === 'write' && hits(event, params, random) ? { kind: 'fail', code: 'EIO' } : undefined,
});
