/** The wall clock of some servers jumps forward at one moment, as when a time service corrects it, and is set right at the end. */
import { striking } from '../fault.js';
import { allowedAmount, parameters, servers } from '../parameters.js';
import { CLOCK_MICROS_MAX, shiftedClocks, skewable } from '../shifted-clocks.js';

export const jumpForward = striking({
  id: 'clock/jump-forward',
  summary: 'wall clocks of some servers jump forward',
  needs: ['clock'],
  core: false,
  allowed: (budget) => skewable(budget) > 0,
  ...parameters({ nodes: servers(), micros: allowedAmount(CLOCK_MICROS_MAX, skewable) }),
  strike(world, params) {
    const clocks = shiftedClocks(world);
    for (const node of params.nodes) clocks.shift(node, params.micros);
    return clocks.restore;
  },
});
