/**
 * A lease that nobody renews is no lease for ever: whoever wants the actor and has seen its lease stand still for its whole length takes it
 * over. Where nobody did, every safety promise would hold, and what a node that hangs has held would be out of reach for as long as it hangs.
 *
 * Nodes count on clocks of their own, which may differ by grace and skew over the length of one lease: for that much longer nobody is
 * blamed. A fault budget that lets clocks differ by more asks for nothing here.
 */
import type { Micros, NodeId } from '../src/ports.js';
import type { TraceEvent } from '../src/trace.js';
import { LONGEST } from './bookkeeping/longest.js';
import { type Breach, breachAt, type Fold, type Invariant, type Knobs, type Told, told } from './invariant.js';

type ClaimRead = Extract<Told, { readonly type: 'claim.read' }>;

/** A lease as a node saw it first, and has seen it ever since. */
interface Sight {
  readonly token: number;
  readonly leaseVersion: number;
  readonly at: Micros;
}

class LeasesAreTakenOverFold implements Fold {
  /** By how much clocks may differ over the length of one lease. */
  readonly #differenceMicros: Micros;
  /** What each process has seen, by actor. */
  readonly #sights = new Map<NodeId, Map<string, Sight>>();
  #breach: Breach | undefined;

  constructor(knobs: Knobs) {
    const { leaseGraceMicros, leaseSkewMicros } = { ...LONGEST, ...knobs };
    this.#differenceMicros = leaseGraceMicros + leaseSkewMicros;
  }

  observe(event: TraceEvent): Breach | undefined {
    const body = told(event);
    switch (body.type) {
      case 'boot':
        this.#sights.delete(event.node);
        return undefined;
      case 'claim.read':
        if (body.decision === 'existing') this.#breach ??= this.#look(event, body);
        else this.#forget(event.node, body.actor);
        return undefined;
      // What a node has freed or claimed it need not watch any more; a reading that began before may still come in.
      case 'failover.actor':
      case 'claim.commit':
        this.#forget(event.node, body.actor);
        return undefined;
      default:
        return undefined;
    }
  }

  finish(): Breach | undefined {
    return this.#breach;
  }

  #forget(node: NodeId, actor: string): void {
    this.#sights.get(node)?.delete(actor);
  }

  #look(event: TraceEvent, { actor, owner, token, leaseVersion, leaseMicros }: ClaimRead): Breach | undefined {
    const sights = this.#sights.get(event.node) ?? new Map<string, Sight>();
    this.#sights.set(event.node, sights);
    const first = sights.get(actor);
    if (first === undefined || first.token !== token || first.leaseVersion !== leaseVersion) {
      sights.set(actor, { token, leaseVersion, at: event.at });
      return undefined;
    }
    const stoodMicros = event.at - first.at;
    const patienceMicros = leaseMicros + this.#differenceMicros;
    if (stoodMicros < patienceMicros) return undefined;
    return breachAt(
      event,
      `${event.node} takes ${actor} over from ${owner ?? 'nobody'} once its lease has stood still for ${patienceMicros} us`,
      `it has seen version ${leaseVersion} of the lease of token ${token} for ${stoodMicros} us, and leaves it where it is`,
    );
  }
}

export const leasesAreTakenOver: Invariant = {
  id: 'leases-are-taken-over',
  promise: 'An actor whose lease nobody renews is taken over by whoever wants it, once the lease has stood still for its whole length.',
  kind: 'eventually',
  hears: ['boot', 'claim.read', 'claim.commit', 'failover.actor'],
  start: (knobs = {}) => new LeasesAreTakenOverFold(knobs),
};
