/**
 * The holder of a lease, or the primary, sleeps until its lease has run out and others have taken over, then wakes and believes that
 * nothing has happened. It wakes a moment after: what it was doing meets what its successor begins with, who is the next to fall asleep.
 */
import type { Micros } from '../../src/ports.js';
import { striking } from '../fault.js';
import { choice, level, parameters, ROLES } from '../parameters.js';
import { afterSuccession, holderOf } from '../successor.js';

/** Until it is looked again who could sleep, where nobody can. */
const RETRY_MICROS: Micros = 100_000;

export const leaseExpiryInPause = striking({
  id: 'cluster/lease-expiry-in-pause',
  summary: 'the holder of a lease or the primary sleeps until others have taken over',
  needs: ['process', 'cluster'],
  core: false,
  allowed: (budget) => budget.downMax > 0,
  ...parameters(
    { role: choice(...ROLES), lateMicros: level(1_000, 1_000_000) },
    { shortestMicros: 4_000_000, longest: { numerator: 9, denominator: 10 } },
  ),
  strike(world, params) {
    let asleep: string | undefined;
    const wake = (): void => {
      if (asleep !== undefined) world.resume(asleep);
      asleep = undefined;
    };
    const sleep = (): void => {
      const holder = holderOf(world, params.role);
      if (holder === undefined || !world.pause(holder.node)) {
        world.after(RETRY_MICROS, sleep);
        return;
      }
      asleep = holder.node;
      afterSuccession(world, holder, params.lateMicros, () => {
        wake();
        sleep();
      });
    };
    sleep();
    return wake;
  },
});
