/**
 * A lease runs out when its holder cannot renew it, and for no other reason. Where nothing hinders any more, after healing, one renewal may
 * be slow enough to lose a term; that a node loses a term, is granted another lease and loses that one too, and has renewed nothing all the
 * time, is no bad luck. Every safety promise holds there: the actors only keep coming and going.
 */
import type { NodeId } from '../src/ports.js';
import type { TraceEvent } from '../src/trace.js';
import { type Breach, breachAt, type Fold, type Invariant, told } from './invariant.js';

/** Terms that may run out one after the other. */
const TERMS_LOST_MAX = 1;

/** What one process has done since healing, or since it last renewed a lease. */
interface Holder {
  /** Terms that ran out one after the other. */
  lost: number;
  /** The leases granted meanwhile, and how many terms had been lost then. */
  readonly granted: Map<string, { readonly token: number; readonly lostBefore: number }>;
}

class LeasesAreRenewedFold implements Fold {
  #healed = false;
  #breach: Breach | undefined;
  readonly #holders = new Map<NodeId, Holder>();

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
      case 'claim.commit': {
        if (!this.#healed) return undefined;
        const holder = this.#holders.get(event.node) ?? { lost: 0, granted: new Map() };
        this.#holders.set(event.node, holder);
        holder.granted.set(body.actor, { token: body.token, lostBefore: holder.lost });
        return undefined;
      }
      case 'lease.expire-local': {
        const holder = this.#holders.get(event.node);
        const granted = holder?.granted.get(body.actor);
        if (holder === undefined || granted?.token !== body.token) return undefined;
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
}

export const leasesAreRenewed: Invariant = {
  id: 'leases-are-renewed',
  promise: 'A node renews the leases of the actors that it serves; in a healthy cluster none runs out.',
  kind: 'eventually',
  hears: ['phase', 'boot', 'lease.renew', 'claim.commit', 'lease.expire-local'],
  start: () => new LeasesAreRenewedFold(),
};
