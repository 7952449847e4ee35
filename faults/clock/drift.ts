/** Both clocks of some servers run fast or slow, within what the leases allow for: quartz, heat, a bad hypervisor. */
import { striking } from '../fault.js';
import { LONG_EPISODE, parameters, servers, signedAmount } from '../parameters.js';

const PARTS_PER_MILLION_MAX = 500_000;

export const drift = striking({
  id: 'clock/drift',
  summary: 'clocks of some servers run fast or slow',
  needs: ['clock'],
  core: false,
  allowed: (budget) => budget.clockDriftPpmMax > 0,
  ...parameters(
    { nodes: servers(), partsPerMillion: signedAmount(PARTS_PER_MILLION_MAX, (budget) => budget.clockDriftPpmMax) },
    LONG_EPISODE,
  ),
  strike(world, params) {
    const drifting = params.partsPerMillion === 0 ? [] : params.nodes.filter((node) => world.clock.drift(node, params.partsPerMillion));
    return () => {
      for (const node of drifting) world.clock.drift(node, 0);
    };
  },
});
