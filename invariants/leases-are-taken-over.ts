/**
 * A lease that nobody renews is no lease for ever: whoever wants the actor and has seen its lease stand still for its whole length takes it
 * over. Where nobody did, every safety promise would hold, and what a node that hangs has held would be out of reach for as long as it hangs.
 *
 * Nodes count on clocks of their own, which may differ by grace and skew over the length of one lease: for that much longer nobody is
 * blamed. A fault budget that lets clocks differ by more asks for nothing here.
 */
import type { Micros, NodeId } from '../src/ports.js';
import type { TraceEvent } from '../src/trace.js';
import { type Breach, breachAt, type Fold, type Invariant, type Knobs, told } from './invariant.js';

const SECOND: Micros = 1_000_000;
/** What a scenario does not draw is taken to be as long as any does. */
const LONGEST = { leaseMicros: 15 * SECOND, leaseGraceMicros: SECOND, leaseSkewMicros: SECOND } as const;

/** A lease as a node saw it first, and has seen it ever since. */
interface Sight {
  readonly token: number;
  readonly leaseVersion: number;
  readonly at: Micros;
}

class LeasesAreTakenOverFold implements Fold {
  readonly #patienceMicros: Micros;
  /** What each process has seen, by actor. */
  readonly #sights = new Map<NodeId, Map<string, Sight>>();
  #breach: Breach | undefined;

  constructor(knobs: Knobs) {
    const { leaseMicros, leaseGraceMicros, leaseSkewMicros } = { ...LONGEST, ...knobs };
    this.#patienceMicros = leaseMicros + leaseGraceMicros + leaseSkewMicros;
  }

  observe(event: TraceEvent): Breach | undefined {
    const body = told(event);
    switch (body.type) {
      case 'boot':
        this.#sights.delete(event.node);
        return undefined;
      case 'claim.read':
        if (body.decision === 'existing') this.#look(event, body);
        else this.#sights.get(event.node)?.delete(body.actor);
        return undefined;
      default:
        return undefined;
    }
  }

  finish(): Breach | undefined {
    return this.#breach;
  }

  #look(
    event: TraceEvent,
    { actor, owner, token, leaseVersion }: { readonly actor: string; readonly owner: NodeId | null } & Omit<Sight, 'at'>,
  ): void {
    const sights = this.#sights.get(event.node) ?? new Map<string, Sight>();
    this.#sights.set(event.node, sights);
    const first = sights.get(actor);
    if (first === undefined || first.token !== token || first.leaseVersion !== leaseVersion) {
      sights.set(actor, { token, leaseVersion, at: event.at });
      return;
    }
    const stoodMicros = event.at - first.at;
    if (stoodMicros < this.#patienceMicros) return;
    this.#breach ??= breachAt(
      event,
      `${event.node} takes ${actor} over from ${owner ?? 'nobody'} once its lease has stood still for ${this.#patienceMicros} us`,
      `it has seen version ${leaseVersion} of the lease of token ${token} for ${stoodMicros} us, and leaves it where it is`,
    );
  }
}

export const leasesAreTakenOver: Invariant = {
  id: 'leases-are-taken-over',
  promise: 'An actor whose lease nobody renews is taken over by whoever wants it, once the lease has stood still for its whole length.',
  kind: 'eventually',
  hears: ['boot', 'claim.read'],
  start: (knobs = {}) => new LeasesAreTakenOverFold(knobs),
};
