/** The client library gives a transaction up because its own bound has passed by its own clock; a commit under way may still take effect. */
import { databaseErrorCode } from '../../src/ports.js';
import { judging } from '../fault.js';
import { hits, parameters, rate, servers } from '../parameters.js';

export const clientClockTimeout = judging('database', {
  id: 'database/client-clock-timeout',
  summary: 'transactions time out in the client (1031) at a rate',
  needs: ['database'],
  core: false,
  ...parameters({ nodes: servers(), rate: rate(50, 900) }),
  judge: (event, params, random) =>
    (event.operation === 'read' || event.operation === 'commit') && hits(event, params, random)
      ? { kind: 'fail', code: databaseErrorCode.transactionTimedOut, applied: event.operation === 'commit' && random.chance(1, 2) }
      : undefined,
});
