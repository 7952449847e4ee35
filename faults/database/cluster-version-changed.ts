/** The store is upgraded under its clients: commits under way may or may not have taken effect. */
import { databaseErrorCode } from '../../src/ports.js';
import { judging } from '../fault.js';
import { hits, parameters, rate, servers } from '../parameters.js';

export const clusterVersionChanged = judging('database', {
  id: 'database/cluster-version-changed',
  summary: 'the store changes its version under way (1039)',
  needs: ['database'],
  core: false,
  ...parameters({ nodes: servers(), rate: rate(50, 900) }),
  judge: (event, params, random) =>
    (event.operation === 'read' || event.operation === 'commit') && hits(event, params, random)
      ? { kind: 'fail', code: databaseErrorCode.clusterVersionChanged, applied: event.operation === 'commit' && random.chance(1, 2) }
      : undefined,
});
