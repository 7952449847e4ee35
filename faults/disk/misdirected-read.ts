/** A read brings the data of another place of the same file. */
import { judging } from '../fault.js';
import { amount, hits, LASTING_EPISODE, liars, parameters, rate } from '../parameters.js';
import { restartToRead } from '../restart-to-read.js';

export const misdirectedRead = judging('disk', {
  id: 'disk/misdirected-read',
  summary: 'reads bring another place of the file',
  needs: ['disk'],
  core: true,
  allowed: (budget) => budget.lyingDisksMax > 0,
  ...parameters({ nodes: liars(), rate: rate(300, 1000), pages: amount(1, 64) }, LASTING_EPISODE),
  brings: restartToRead,
  judge: (event, params, random) =>
    event.operation === 'read' && params.pages > 0 && hits(event, params, random) ? { kind: 'misdirect', pages: params.pages } : undefined,
});
