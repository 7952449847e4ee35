/** Commits are refused as if another transaction had written what this one read. Programs must run them again. */
import { databaseErrorCode } from '../../src/ports.js';
import { judging } from '../fault.js';
import { hits, parameters, rate, servers } from '../parameters.js';

export const conflict = judging('database', {
  id: 'database/conflict',
  summary: 'commits conflict (1020) at a rate',
  needs: ['database'],
  core: false,
  ...parameters({ nodes: servers(), rate: rate(50, 900) }),
  judge: (event, params, random) =>
    event.operation === 'commit' && !event.readOnly && hits(event, params, random)
      ? { kind: 'fail', code: databaseErrorCode.notCommitted, applied: false }
      : undefined,
});
