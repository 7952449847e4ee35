/** At a power loss a write that was not yet durable reaches the platter in part: a prefix, or some of its sectors. */
import { striking } from '../fault.js';
import { downable, level, parameters, servers } from '../parameters.js';
import { powerLoss } from '../power-loss.js';

export const tornWrite = striking({
  id: 'disk/torn-write',
  summary: 'a power loss tears the writes that were not yet durable',
  needs: ['disk', 'process'],
  core: true,
  allowed: (budget) => budget.downMax > 0,
  ...parameters({ nodes: servers(downable), crashAfterMicros: level(1, 1_000_000) }),
  strike: (world, params) => powerLoss(world, params, 'tear'),
});
