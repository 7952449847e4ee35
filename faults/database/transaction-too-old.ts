/** Read versions are older than what the store keeps, as after five seconds: reads and commits fail and start over. */
import { databaseErrorCode } from '../../src/ports.js';
import { judging } from '../fault.js';
import { hits, parameters, rate, servers } from '../parameters.js';

export const transactionTooOld = judging('database', {
  id: 'database/transaction-too-old',
  summary: 'transactions are too old (1007) at a rate',
  needs: ['database'],
  core: false,
  ...parameters({ nodes: servers(), rate: rate(50, 900) }),
  judge: (event, params, random) =>
    (event.operation === 'read' || event.operation === 'commit') && hits(event, params, random)
      ? { kind: 'fail', code: databaseErrorCode.transactionTooOld, applied: false }
      : undefined,
});
