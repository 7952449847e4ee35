/**
 * A challenger remembers when it first saw a lease and compares the token alone, so that renewals escape it (`LeaseExpires_Racy`): it
 * takes the actor from an owner that renews in time and still serves.
 */
import type { ActorKey } from '../../src/kelpie/ids.js';
import type { LeaseJudge } from '../../src/kelpie/lease.js';
import type { Lease } from '../../src/kelpie/records.js';
import type { Clock, Micros } from '../../src/ports.js';
import { kelpieBug } from './bug.js';

class RenewalBlindJudge implements LeaseJudge {
  readonly #clock: Clock;
  readonly #sights = new Map<ActorKey, { readonly token: number; readonly sinceMicros: Micros }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  expired(actor: ActorKey, lease: Lease): Micros | undefined {
    const now = this.#clock.monotonicMicros();
    const sight = this.#sights.get(actor);
    if (sight?.token !== lease.token) {
      this.#sights.set(actor, { token: lease.token, sinceMicros: now });
      return undefined;
    }
    const unchanged = now - sight.sinceMicros;
    return unchanged >= lease.micros ? unchanged : undefined;
  }

  forget(actor: ActorKey): void {
    this.#sights.delete(actor);
  }
}

export const racyLeaseExpiry = kelpieBug({
  id: 'racy-lease-expiry',
  summary: 'a lease is taken over while its owner renews it and serves',
  spec: { module: 'KelpieSingleActivation', config: 'RacyLeaseExpiry' },
  parts: () => ({ leaseJudge: (clock) => new RenewalBlindJudge(clock) }),
});
