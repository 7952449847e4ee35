/** At a power loss everything that was not made durable is gone. */
import { striking } from '../fault.js';
import { downable, level, parameters, servers } from '../parameters.js';
import { powerLoss } from '../power-loss.js';

export const lostUnsynced = striking({
  id: 'disk/lost-unsynced',
  summary: 'a power loss loses every write that was not yet durable',
  needs: ['disk', 'process'],
  core: true,
  allowed: (budget) => budget.downMax > 0,
  ...parameters({ nodes: servers(downable), crashAfterMicros: level(1, 1_000_000) }),
  strike: (world, params) => powerLoss(world, params, 'lose'),
});
