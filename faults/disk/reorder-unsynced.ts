/** At a power loss later writes have reached the platter and earlier ones have not: only fsync orders them. */
import { striking } from '../fault.js';
import { downable, level, parameters, servers } from '../parameters.js';
import { powerLoss } from '../power-loss.js';

export const reorderUnsynced = striking({
  id: 'disk/reorder-unsynced',
  summary: 'a power loss keeps later writes and loses earlier ones',
  needs: ['disk', 'process'],
  core: true,
  allowed: (budget) => budget.downMax > 0,
  ...parameters({ nodes: servers(downable), crashAfterMicros: level(1, 1_000_000) }),
  strike: (world, params) => powerLoss(world, params, 'reorder'),
});
