/**
 * A process dies at a suspension point: instead of going on after an await it is gone. `everySteps` sweeps over the points: a
 * process dies at the next step whose number is a multiple of it.
 */
import { judging } from '../fault.js';
import { downable, level, parameters, servers } from '../parameters.js';

export const killAtAwait = judging('step', {
  id: 'crash/kill-at-await',
  summary: 'servers die at a suspension point, swept over all of them',
  needs: ['process'],
  core: false,
  allowed: (budget) => budget.downMax > 0,
  ...parameters({ nodes: servers(downable), everySteps: level(1, 500) }),
  judge: (event, params) => (params.nodes.includes(event.node) && event.step % params.everySteps === 0 ? { kind: 'crash' } : undefined),
});
