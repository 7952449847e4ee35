/** A storage server has fallen behind by too much to answer. */
import { databaseErrorCode } from '../../src/ports.js';
import { judging } from '../fault.js';
import { hits, parameters, rate, servers } from '../parameters.js';

export const processBehind = judging('database', {
  id: 'database/process-behind',
  summary: 'reads meet a storage process that is behind (1037)',
  needs: ['database'],
  core: false,
  ...parameters({ nodes: servers(), rate: rate(50, 900) }),
  judge: (event, params, random) =>
    event.operation === 'read' && hits(event, params, random)
      ? { kind: 'fail', code: databaseErrorCode.processBehind, applied: false }
      : undefined,
});
