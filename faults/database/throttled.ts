/** The rate keeper of the store gives out no read versions to this client for now. */
import { databaseErrorCode } from '../../src/ports.js';
import { judging } from '../fault.js';
import { hits, parameters, rate, servers } from '../parameters.js';

export const throttled = judging('database', {
  id: 'database/throttled',
  summary: 'transactions are throttled (1213) at a rate',
  needs: ['database'],
  core: false,
  ...parameters({ nodes: servers(), rate: rate(50, 900) }),
  judge: (event, params, random) =>
    event.operation === 'read-version' && hits(event, params, random)
      ? { kind: 'fail', code: databaseErrorCode.tagThrottled, applied: false }
      : undefined,
});
