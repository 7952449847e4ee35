/** A storage server is behind the read version that was given out, and gives up waiting for it. */
import { databaseErrorCode } from '../../src/ports.js';
import { judging } from '../fault.js';
import { hits, parameters, rate, servers } from '../parameters.js';

export const futureVersion = judging('database', {
  id: 'database/future-version',
  summary: 'reads meet a version from the future (1009)',
  needs: ['database'],
  core: false,
  ...parameters({ nodes: servers(), rate: rate(50, 900) }),
  judge: (event, params, random) =>
    event.operation === 'read' && hits(event, params, random)
      ? { kind: 'fail', code: databaseErrorCode.futureVersion, applied: false }
      : undefined,
});
