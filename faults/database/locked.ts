/** An operator has locked the database, for a restore or a switch of clusters. */
import { databaseErrorCode } from '../../src/ports.js';
import { judging } from '../fault.js';
import { hits, parameters, rate, servers } from '../parameters.js';

export const locked = judging('database', {
  id: 'database/locked',
  summary: 'the database is locked (1038) at a rate',
  needs: ['database'],
  core: false,
  ...parameters({ nodes: servers(), rate: rate(50, 900) }),
  judge: (event, params, random) =>
    (event.operation === 'read-version' || event.operation === 'commit') && hits(event, params, random)
      ? { kind: 'fail', code: databaseErrorCode.databaseLocked, applied: false }
      : undefined,
});
