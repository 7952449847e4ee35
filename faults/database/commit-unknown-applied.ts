/** The answer of a commit is lost after the store applied it: the program is told that the result is unknown, and it took effect. */
import { databaseErrorCode } from '../../src/ports.js';
import { judging } from '../fault.js';
import { hits, parameters, rate, servers } from '../parameters.js';

export const commitUnknownApplied = judging('database', {
  id: 'database/commit-unknown-applied',
  summary: 'commits take effect and answer unknown (1021)',
  needs: ['database'],
  core: false,
  ...parameters({ nodes: servers(), rate: rate(50, 900) }),
  judge: (event, params, random) =>
    event.operation === 'commit' && !event.readOnly && hits(event, params, random)
      ? { kind: 'fail', code: databaseErrorCode.commitUnknownResult, applied: true }
      : undefined,
});
