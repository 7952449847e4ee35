/** A leap second: the wall clock shows one second twice, or leaves one out, on some servers and not on others. */
import { striking } from '../fault.js';
import { choice, parameters, servers } from '../parameters.js';
import { shiftedClocks, skewable } from '../shifted-clocks.js';

const SECOND_MICROS = 1_000_000;

export const leapSecond = striking({
  id: 'clock/leap-second',
  summary: 'some servers see a leap second inserted or left out',
  needs: ['clock'],
  core: false,
  allowed: (budget) => skewable(budget) >= SECOND_MICROS,
  ...parameters({ nodes: servers(), inserted: choice(true, false) }),
  strike(world, params) {
    const clocks = shiftedClocks(world);
    for (const node of params.nodes) clocks.shift(node, params.inserted ? -SECOND_MICROS : SECOND_MICROS);
    return clocks.restore;
  },
});
