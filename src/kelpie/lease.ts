/**
 * Which clock a lease is judged on. Nodes share no clock: wall clocks jump and lie, and the versions of the database jump too (a
 * recovery of FoundationDB moves them on by about a hundred seconds, the embedded store counts commits). So no time of one node is
 * ever compared with a time of another. Both sides count durations on their own monotonic clock:
 *
 * - The holder serves until `start + lease - grace - skew`, where `start` was read *before* it sent the claim or renewal that
 *   committed. A renewal whose result is unknown extends nothing.
 * - A challenger takes over when it has seen one (token, version) of the lease unchanged for `lease`, counted from *after* its
 *   first read of it returned, and when the claiming transaction, which has the lease in its conflict set, still reads that same one.
 *
 * Let the holder's last renewal write version v. It was sent after `start`, and whoever saw v saw it after it was written. So the
 * challenger's count begins after the holder's, and it is longer by grace + skew. The holder has stopped before the challenger
 * starts as long as their monotonic clocks differ by less than grace + skew over the length of one lease. Offsets, jumps of the wall
 * clock, delays of messages and slow reads only make the challenger later. A holder that is paused stops when it looks at its clock,
 * which it does before it starts an invocation, before it sends a commit and before it answers; what it has in flight while it is
 * paused is refused by the fence of the commit, which does not depend on time at all.
 *
 * What is assumed: a monotonic clock goes on while its process is stopped. That of a machine that is suspended as a whole (a laptop
 * lid, a frozen virtual machine) may not; such a holder can answer reads from memory that is out of date until its next commit or
 * renewal is refused. It cannot write.
 *
 * The price: a challenger that has never looked at a lease waits for a whole one from its first look.
 */
import type { Clock, Micros } from '../ports.js';
import type { KelpieConfig } from './config.js';
import type { ActorKey } from './ids.js';
import { dropOldest } from './oldest.js';
import type { Lease } from './records.js';

/** How the holder counts. */
export interface LeaseTerm {
  /** The clock it counts on. */
  now(clock: Clock): Micros;
  /** When it stops serving, for a claim or renewal that was started at `startMicros`. */
  until(startMicros: Micros, config: KelpieConfig): Micros;
}

export const monotonicLeaseTerm: LeaseTerm = {
  now: (clock) => clock.monotonicMicros(),
  until: (startMicros, config) => startMicros + config.leaseMicros - config.leaseGraceMicros - config.leaseSkewMicros,
};

/** How a challenger judges leases of others. One judge serves all actors of a node. */
export interface LeaseJudge {
  /**
   * Tells of a lease that a read has just brought. Answers for how long it has stood still when that is long enough to take it over,
   * else undefined.
   */
  expired(actor: ActorKey, lease: Lease): Micros | undefined;
  /** The lease need not be remembered any more. */
  forget(actor: ActorKey): void;
}

interface Sight {
  readonly token: number;
  readonly version: number;
  readonly sinceMicros: Micros;
}

/** Leases that a node watches at once. Forgetting one only makes its takeover later. */
const SIGHTS_MAX = 100_000;

export class ObservingLeaseJudge implements LeaseJudge {
  readonly #clock: Clock;
  /** In order of first sight, so that the oldest is forgotten first. */
  readonly #sights = new Map<ActorKey, Sight>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  expired(actor: ActorKey, lease: Lease): Micros | undefined {
    const now = this.#clock.monotonicMicros();
    const sight = this.#sights.get(actor);
    if (sight === undefined || sight.token !== lease.token || sight.version !== lease.version) {
      this.#sights.delete(actor);
      this.#sights.set(actor, { token: lease.token, version: lease.version, sinceMicros: now });
      if (this.#sights.size > SIGHTS_MAX) dropOldest(this.#sights);
      return undefined;
    }
    const unchanged = now - sight.sinceMicros;
    return unchanged >= lease.micros ? unchanged : undefined;
  }

  forget(actor: ActorKey): void {
    this.#sights.delete(actor);
  }
}
