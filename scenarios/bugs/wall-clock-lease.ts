/** Holder and challenger count by their wall clocks, and the challenger believes the time at which the holder says its lease ends. */
import type { LeaseJudge, LeaseTerm } from '../../src/kelpie/lease.js';
import type { Lease } from '../../src/kelpie/records.js';
import type { Clock, Micros } from '../../src/ports.js';
import { kelpieBug } from './bug.js';

const byTheWall = (term: LeaseTerm): LeaseTerm => ({ ...term, now: (clock) => clock.wallMicros() });

class WallClockJudge implements LeaseJudge {
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  expired(_: unknown, lease: Lease): Micros | undefined {
    const overdue = this.#clock.wallMicros() - lease.expires;
    return overdue < 0 ? undefined : lease.micros + overdue;
  }

  forget(): void {}
}

export const wallClockLease = kelpieBug({
  id: 'wall-clock-lease',
  summary: 'leases are judged on wall clocks, which jump',
  spec: { module: 'KelpieLease', config: 'NoGrace' },
  parts: ({ leaseTerm }) => ({ leaseTerm: byTheWall(leaseTerm), leaseJudge: (clock) => new WallClockJudge(clock) }),
});
