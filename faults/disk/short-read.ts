/** A read moves fewer bytes than asked for, as POSIX allows; the program must go on where it stopped. */
import { judging } from '../fault.js';
import { hits, LASTING_EPISODE, parameters, rate, servers } from '../parameters.js';
import { restartToRead } from '../restart-to-read.js';

export const shortRead = judging('disk', {
  id: 'disk/short-read',
  summary: 'reads move fewer bytes than asked for',
  needs: ['disk'],
  core: true,
  ...parameters({ nodes: servers(), rate: rate(300, 1000), part: rate(1, 999) }, LASTING_EPISODE),
  brings: restartToRead,
  judge: (event, params, random) =>
    event.operation === 'read' && event.length > 1 && hits(event, params, random)
      ? { kind: 'short', numerator: params.part.numerator, denominator: params.part.denominator }
      : undefined,
});
