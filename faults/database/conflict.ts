/** Commits are refused as if another transaction had written what this one read. Programs must run them again. */
import { judging } from '../fault.js';
import { happens, parameters, rate, servers } from '../parameters.js';
import { databaseErrorCode } from '../../src/ports.js';

export const conflict = judging('database', {
  id: 'database/conflict',
  summary: 'commits conflict (1020) at a rate',
  needs: ['database'],
  core: false,
  ...parameters({ nodes: servers(), rate: rate(10, 900) }),
  judge(event, params, random) {
    if (event.operation !== 'commit' || event.readOnly || !params.nodes.includes(event.node)) return undefined;
    return happens(params.rate, random) ? { kind: 'fail', code: databaseErrorCode.notCommitted, applied: false } : undefined;
  },
});
