/** A time service moves the wall clock little by little, so that seconds are a bit longer or shorter than they are. */
import { striking } from '../fault.js';
import { LONG_EPISODE, parameters, servers, signedAmount } from '../parameters.js';
import { CLOCK_MICROS_MAX, shiftedClocks, skewable } from '../shifted-clocks.js';

/** Into how many steps the whole correction is cut. */
const STEPS = 50;

export const slew = striking({
  id: 'clock/slew',
  summary: 'wall clocks of some servers are moved little by little',
  needs: ['clock'],
  core: false,
  allowed: (budget) => skewable(budget) > 0,
  ...parameters({ nodes: servers(), micros: signedAmount(CLOCK_MICROS_MAX, skewable) }, LONG_EPISODE),
  strike(world, params) {
    const clocks = shiftedClocks(world);
    const step = Math.trunc(params.micros / STEPS);
    const move = (done: number): void => {
      for (const node of params.nodes) clocks.shift(node, done < STEPS - 1 ? step : params.micros - step * (STEPS - 1));
      if (done < STEPS - 1) world.after(Math.max(1, Math.floor(params.durationMicros / STEPS)), () => move(done + 1));
    };
    move(0);
    return clocks.restore;
  },
});
