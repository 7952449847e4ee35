/**
 * A lease runs out when its holder cannot renew it, and for no other reason. Where nothing hinders any more, after healing, one renewal may
 * be slow enough to lose a term; that a node loses a term, is granted another lease and loses that one too, and has renewed nothing all the
 * time, is no bad luck. Every safety promise holds there: the actors only keep coming and going.
 *
 * A term begins when the claim is sent, but its holder knows of it when the answer is there. Where a slow message has eaten most of it, no
 * node can renew what is left: a term that its holder had in hand for less than two renewal periods, one until the renewal falls due and
 * one for the renewal, is not held against it.
 */
import type { Micros, NodeId } from '../src/ports.js';
import type { TraceEvent } from '../src/trace.js';
import { LONGEST } from './bookkeeping/longest.js';
import { type Breach, breachAt, type Fold, type Invariant, type Knobs, told } from './invariant.js';

/** Terms that may run out one after the other. */
const TERMS_LOST_MAX = 1;

interface Grant {
  readonly token: number;
  /** How many terms had been lost when the actor was begun to be brought up. */
  readonly lostBefore: number;
  /** When the holder knew of it. */
  readonly at: Micros;
}

/** What one process has done since healing, or since it last renewed a lease. */
interface Holder {
  /** Terms that ran out one after the other. */
  lost: number;
  /** How many had been lost when it began to bring up each actor: a lease is as old as its claim, however late its grant becomes known. */
  readonly lostBefore: Map<string, number>;
  /** The leases granted meanwhile, by actor. */
  readonly granted: Map<string, Grant>;
}

class LeasesAreRenewedFold implements Fold {
  readonly #renewableMicros: Micros;
  #healed = false;
  #breach: Breach | undefined;
  readonly #holders = new Map<NodeId, Holder>();

  constructor({ leaseRenewMicros = LONGEST.leaseRenewMicros }: Knobs) {
    this.#renewableMicros = 2 * leaseRenewMicros;
  }

  observe(event: TraceEvent): Breach | undefined {
    const body = told(event);
    switch (body.type) {
      case 'phase':
        this.#healed ||= body.phase === 'heal';
        return undefined;
      case 'boot':
      case 'lease.renew':
        this.#holders.delete(event.node);
        return undefined;
      case 'activate.start': {
        const { lost, lostBefore } = this.#holder(event.node);
        lostBefore.set(body.actor, lost);
        return undefined;
      }
      case 'claim.commit': {
        if (!this.#healed) return undefined;
        const { lost, lostBefore, granted } = this.#holder(event.node);
        granted.set(body.actor, { token: body.token, lostBefore: lostBefore.get(body.actor) ?? lost, at: event.at });
        return undefined;
      }
      case 'lease.expire-local': {
        const holder = this.#holders.get(event.node);
        const granted = holder?.granted.get(body.actor);
        if (holder === undefined || granted?.token !== body.token) return undefined;
        if (event.at - granted.at < this.#renewableMicros) return undefined;
        holder.lost = Math.max(holder.lost, granted.lostBefore + 1);
        if (holder.lost > TERMS_LOST_MAX) {
          this.#breach ??= breachAt(
            event,
            `${event.node} renews the leases of the actors that it serves, now that nothing hinders it`,
            `${holder.lost} leases ran out there one after the other, the last one of ${body.actor}, and none was renewed meanwhile`,
          );
        }
        return undefined;
      }
      default:
        return undefined;
    }
  }

  finish(): Breach | undefined {
    return this.#breach;
  }

  #holder(node: NodeId): Holder {
    const holder = this.#holders.get(node) ?? { lost: 0, lostBefore: new Map(), granted: new Map() };
    this.#holders.set(node, holder);
    return holder;
  }
}

export const leasesAreRenewed: Invariant = {
  id: 'leases-are-renewed',
  promise: 'A node renews the leases of the actors that it serves; in a healthy cluster none runs out.',
  kind: 'eventually',
  hears: ['phase', 'boot', 'activate.start', 'lease.renew', 'claim.commit', 'lease.expire-local'],
  start: (knobs = {}) => new LeasesAreRenewedFold(knobs),
};
