/**
 * The holder of a lease, or the primary, sleeps until its lease has run out and others have taken over, then wakes and believes that
 * nothing has happened.
 */
import { striking } from '../fault.js';
import { choice, level, parameters, ROLES } from '../parameters.js';

export const leaseExpiryInPause = striking({
  id: 'cluster/lease-expiry-in-pause',
  summary: 'the holder of a lease or the primary sleeps until others have taken over',
  needs: ['process', 'cluster'],
  core: false,
  allowed: (budget) => budget.downMax > 0,
  ...parameters({ role: choice(...ROLES), times: level(1, 3) }, { shortestMicros: 4_000_000, longest: { numerator: 9, denominator: 10 } }),
  strike(world, params) {
    // Awake for a tenth of each round, so that it takes up leases again.
    const roundMicros = Math.floor(params.durationMicros / params.times);
    let asleep: string | undefined;
    const wake = (): void => {
      if (asleep !== undefined) world.resume(asleep);
      asleep = undefined;
    };
    const sleep = (round: number): void => {
      const holder = world.role(params.role);
      if (holder !== undefined && world.pause(holder)) asleep = holder;
      world.after(Math.floor((roundMicros * 9) / 10), wake);
      if (round < params.times) world.after(roundMicros, () => sleep(round + 1));
    };
    sleep(1);
    return wake;
  },
});
