/**
 * Leases that a challenger has found expired. He says which record of the lease stood still for its whole length. Where no renewal after
 * that one has been told, its holder, who stops before that, has stopped. How long the challenger says to have watched it counts for
 * nothing: that is by his clock, and he may err.
 */
import type { TraceEvent } from '../../src/trace.js';
import { type Told, told } from '../invariant.js';
import { entryOf } from './keyed.js';

export const LEASE_TERM_TYPES = [
  'claim.commit',
  'lease.renew',
  'lease.judge-expired',
  'invoke.start',
] as const satisfies readonly Told['type'][];

export interface Term {
  /** Of its newest record that was told of. */
  leaseVersion: number;
  /** The last invocation that began under it. */
  started: TraceEvent | undefined;
  /** The first judgement, since it was last extended, that it has expired. */
  judged: TraceEvent | undefined;
}

/** Of a lease as it is granted. */
const GRANTED = 1;

export class LeaseTerms {
  readonly #terms = new Map<string, Term>();

  /** The term that the event is about, with the event taken in. */
  observe(event: TraceEvent): Term | undefined {
    const body = told(event);
    switch (body.type) {
      case 'claim.commit':
        return this.#extended(body.actor, body.token, GRANTED);
      case 'lease.renew':
        return this.#extended(body.actor, body.token, body.leaseVersion);
      case 'invoke.start': {
        const term = this.#term(body.actor, body.token);
        term.started = event;
        return term;
      }
      case 'lease.judge-expired': {
        const term = this.#term(body.actor, body.token);
        // What the challenger saw may be older than a renewal that passed him by.
        if ((body.leaseVersion ?? 0) >= term.leaseVersion) term.judged ??= event;
        return term;
      }
      default:
        return undefined;
    }
  }

  #extended(actor: string, token: number, leaseVersion: number): Term {
    const term = this.#term(actor, token);
    term.leaseVersion = Math.max(term.leaseVersion, leaseVersion);
    term.judged = undefined;
    return term;
  }

  #term(actor: string, token: number): Term {
    return entryOf(this.#terms, `${actor} ${token}`, () => ({ leaseVersion: GRANTED, started: undefined, judged: undefined }));
  }
}
