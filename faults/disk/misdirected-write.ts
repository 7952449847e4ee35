/** A write lands at another place of the same file, and its own place keeps what it had. */
import { judging } from '../fault.js';
import { amount, hits, liars, LONG_EPISODE, parameters, rate } from '../parameters.js';

export const misdirectedWrite = judging('disk', {
  id: 'disk/misdirected-write',
  summary: 'writes land at another place of the file',
  needs: ['disk'],
  core: true,
  allowed: (budget) => budget.lyingDisksMax > 0,
  ...parameters({ nodes: liars(), rate: rate(100, 1000), pages: amount(1, 64) }, LONG_EPISODE),
  judge: (event, params, random) =>
    event.operation === 'write' && params.pages > 0 && hits(event, params, random) ? { kind: 'misdirect', pages: params.pages } : undefined,
});
