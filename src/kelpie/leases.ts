/** The leases that this node holds: renewed in time, and given up in time when they cannot be. */
import type { Micros, Timer } from '../ports.js';
import { chooses } from './choices.js';
import type { Deadline } from './deadlines.js';
import { LEASES_PER_RENEWAL_MAX } from './limits.js';
import type { HeldClaim } from './registry.js';
import type { Runtime } from './runtime.js';

/** Why a claim ended without being given back. */
export type LeaseEnd = 'lease-expired' | 'lease-lost';

interface Holding {
  readonly ended: (why: LeaseEnd) => void;
  deadline: Deadline;
}

/** How much longer this node may serve on a claim; not at all from 0 down. */
export const servesFor = (runtime: Runtime, held: HeldClaim): Micros =>
  held.untilMicros - runtime.parts.leaseTerm.now(runtime.platform.clock);

/** Whether this node may still serve on a claim. Asked before an invocation starts, before a commit is sent and before an answer. */
export const mayServe = (runtime: Runtime, held: HeldClaim): boolean => servesFor(runtime, held) > 0;

export class HeldLeases {
  readonly #runtime: Runtime;
  readonly #held = new Map<HeldClaim, Holding>();
  #timer: Timer | undefined;
  /** When the timer is due, on the monotonic clock. */
  #dueMicros: Micros = 0;
  #renewing = false;
  #closed = false;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  get size(): number {
    return this.#held.size;
  }

  /** From now on renews the lease. `ended` is called at most once, and not after `remove`. */
  add(held: HeldClaim, ended: (why: LeaseEnd) => void): void {
    this.#held.set(held, { ended, deadline: this.#watch(held) });
    if (!this.#renewing) this.#schedule(this.#mayWait(held));
  }

  remove(held: HeldClaim): void {
    this.#held.get(held)?.deadline.clear();
    this.#held.delete(held);
  }

  /** Renews no more; claims stay to be given back. */
  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    for (const { deadline } of this.#held.values()) deadline.clear();
    this.#held.clear();
  }

  /** Tells of a claim that a commit or a renewal found in other hands. */
  lost(held: HeldClaim, newestToken: number): void {
    const holding = this.#held.get(held);
    if (holding === undefined) return;
    this.remove(held);
    this.#runtime.teller.count('leases.lost');
    this.#runtime.teller.tell({ type: 'lease.lost', actor: held.actor.key, token: held.token, newestToken });
    holding.ended('lease-lost');
  }

  /** Every claim counts as lost: this life of the node was failed by other members. Returns how many there were. */
  loseAll(): number {
    const claims = [...this.#held.keys()];
    for (const held of claims) this.lost(held, held.token);
    return claims.length;
  }

  /** Tells of a claim whose time on this node is over. */
  expire(held: HeldClaim): void {
    const holding = this.#held.get(held);
    if (holding === undefined) return;
    this.remove(held);
    this.#runtime.teller.count('leases.lost');
    this.#runtime.teller.tell({ type: 'lease.expire-local', actor: held.actor.key, token: held.token });
    holding.ended('lease-expired');
  }

  #watch(held: HeldClaim): Deadline {
    const { clock } = this.#runtime.platform;
    const left = Math.max(0, held.untilMicros - this.#runtime.parts.leaseTerm.now(clock));
    return this.#runtime.deadlines.at(clock.monotonicMicros() + left, () => this.#reached(held));
  }

  #reached(held: HeldClaim): void {
    const holding = this.#held.get(held);
    if (holding === undefined) return;
    if (mayServe(this.#runtime, held)) {
      holding.deadline = this.#watch(held);
      return;
    }
    this.expire(held);
  }

  /**
   * How long the renewal of a lease may wait. Its time counts from when it was asked for, so an answer that came late leaves little of it:
   * of that, the second half is for the renewal. What is over already waits for its deadline.
   */
  #mayWait(held: HeldClaim): Micros {
    const { leaseRenewMicros } = this.#runtime.config;
    const left = servesFor(this.#runtime, held);
    return left > 0 ? Math.min(leaseRenewMicros, Math.ceil(left / 2)) : leaseRenewMicros;
  }

  /** How long all of them may wait. */
  #allMayWait(): Micros {
    let micros = this.#runtime.config.leaseRenewMicros;
    for (const held of this.#held.keys()) micros = Math.min(micros, this.#mayWait(held));
    return micros;
  }

  /** Renews after this time, unless it is to renew before that already. */
  #schedule(micros: Micros): void {
    if (this.#closed) return;
    const { clock } = this.#runtime.platform;
    const dueMicros = clock.monotonicMicros() + micros;
    if (this.#timer !== undefined && this.#dueMicros <= dueMicros) return;
    this.#timer?.cancel();
    this.#dueMicros = dueMicros;
    this.#timer = clock.after(micros, () => {
      this.#timer = undefined;
      void this.#renewAll();
    });
  }

  async #renewAll(): Promise<void> {
    if (this.#held.size === 0) return;
    this.#renewing = true;
    const { platform, config } = this.#runtime;
    const { leaseRenewMicros } = config;
    for (const held of [...this.#held.keys()]) if (chooses(platform, 'lease/give-up')) this.expire(held);
    const claims = [...this.#held.keys()];
    let failed = false;
    for (let at = 0; at < claims.length && !this.#closed; at += LEASES_PER_RENEWAL_MAX) {
      const batch = claims.slice(at, at + LEASES_PER_RENEWAL_MAX).filter((held) => this.#held.has(held));
      if (batch.length > 0 && !(await this.#renew(batch))) failed = true;
    }
    this.#renewing = false;
    // What could not be renewed is tried again well before it must be given up.
    this.#schedule(failed || chooses(platform, 'lease/renew-early') ? Math.ceil(leaseRenewMicros / 4) : this.#allMayWait());
  }

  async #renew(batch: readonly HeldClaim[]): Promise<boolean> {
    try {
      const results = await this.#runtime.parts.renew(this.#runtime, batch);
      results.forEach((result, index) => {
        const held = batch[index];
        if (held !== undefined && result.kind === 'lost') this.lost(held, result.newestToken);
      });
      return true;
    } catch {
      // Whatever the reason, the leases are as long as they were: the next try, or their end, will tell.
      this.#runtime.teller.count('lease.renewals.failed');
      return false;
    }
  }
}
