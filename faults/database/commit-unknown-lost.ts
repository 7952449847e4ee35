/** The answer of a commit is unknown and the store never applied it. */
import { databaseErrorCode } from '../../src/ports.js';
import { judging } from '../fault.js';
import { hits, parameters, rate, servers } from '../parameters.js';

export const commitUnknownLost = judging('database', {
  id: 'database/commit-unknown-lost',
  summary: 'commits do not take effect and answer unknown (1021)',
  needs: ['database'],
  core: false,
  ...parameters({ nodes: servers(), rate: rate(50, 900) }),
  judge: (event, params, random) =>
    event.operation === 'commit' && !event.readOnly && hits(event, params, random)
      ? { kind: 'fail', code: databaseErrorCode.commitUnknownResult, applied: false }
      : undefined,
});
