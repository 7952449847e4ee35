/** At a power loss names are as the last directory fsync left them: new files, renames and removals since then are undone. */
import { striking } from '../fault.js';
import { downable, level, parameters, servers } from '../parameters.js';
import { powerLoss } from '../power-loss.js';

export const renameLost = striking({
  id: 'disk/rename-lost',
  summary: 'a power loss undoes names whose directory was not synced',
  needs: ['disk', 'process'],
  core: false,
  allowed: (budget) => budget.downMax > 0,
  ...parameters({ nodes: servers(downable), crashAfterMicros: level(1, 1_000_000) }),
  strike: (world, params) => powerLoss(world, params, 'lose-names'),
});
