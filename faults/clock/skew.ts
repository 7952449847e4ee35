/** Wall clocks of some servers are off, each by its own amount: what one wrote with its time another reads as past or future. */
import { striking } from '../fault.js';
import { allowedAmount, LONG_EPISODE, parameters, servers } from '../parameters.js';
import { CLOCK_MICROS_MAX, shiftedClocks, skewable } from '../shifted-clocks.js';

export const skew = striking({
  id: 'clock/skew',
  summary: 'wall clocks of some servers are off, each by its own amount',
  needs: ['clock'],
  core: false,
  allowed: (budget) => skewable(budget) > 0,
  ...parameters({ nodes: servers(), micros: allowedAmount(CLOCK_MICROS_MAX, skewable) }, LONG_EPISODE),
  strike(world, params) {
    const clocks = shiftedClocks(world);
    for (const node of params.nodes) clocks.shift(node, world.random.between(-params.micros, params.micros));
    return clocks.restore;
  },
});
