/** The wall clock jumps to and fro many times: two time sources that disagree. */
import { striking } from '../fault.js';
import { allowedAmount, level, parameters, servers } from '../parameters.js';
import { CLOCK_MICROS_MAX, shiftedClocks, skewable } from '../shifted-clocks.js';

export const strobe = striking({
  id: 'clock/strobe',
  summary: 'wall clocks of some servers jump to and fro many times',
  needs: ['clock'],
  core: false,
  allowed: (budget) => skewable(budget) > 0,
  ...parameters({ nodes: servers(), micros: allowedAmount(CLOCK_MICROS_MAX, skewable), periodMicros: level(5_000, 1_000_000) }),
  strike(world, params) {
    const clocks = shiftedClocks(world);
    const jump = (micros: number): void => {
      for (const node of params.nodes) clocks.shift(node, micros);
      world.after(params.periodMicros, () => jump(-micros));
    };
    jump(params.micros);
    return clocks.restore;
  },
});
