/**
 * Leases that a challenger has found expired. He has seen one record of the lease stand still for its whole length, so its holder,
 * who stops before that, has stopped, unless a renewal was told since the challenger's first sight of that record.
 */
import type { Micros } from '../../src/ports.js';
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
  /** When its holder was last told that it has been granted or renewed. */
  extendedAt: Micros;
  /** The last invocation that began under it. */
  started: TraceEvent | undefined;
  /** The first judgement, since it was last extended, that it has expired. */
  judged: TraceEvent | undefined;
}

/** Clocks differ by less than one part in this many. */
const CLOCKS_DIFFER_ONE_IN = 50;

export class LeaseTerms {
  readonly #terms = new Map<string, Term>();

  /** The term that the event is about, with the event taken in. */
  observe(event: TraceEvent): Term | undefined {
    const body = told(event);
    switch (body.type) {
      case 'claim.commit':
      case 'lease.renew': {
        const term = this.#term(body.actor, body.token);
        term.extendedAt = event.at;
        term.judged = undefined;
        return term;
      }
      case 'invoke.start': {
        const term = this.#term(body.actor, body.token);
        term.started = event;
        return term;
      }
      case 'lease.judge-expired': {
        const term = this.#term(body.actor, body.token);
        const { unchangedMicros } = body;
        const firstSight = event.at - unchangedMicros - Math.ceil(unchangedMicros / CLOCKS_DIFFER_ONE_IN);
        // A renewal that was told later is newer than what the challenger saw.
        if (term.extendedAt < firstSight) term.judged ??= event;
        return term;
      }
      default:
        return undefined;
    }
  }

  #term(actor: string, token: number): Term {
    return entryOf(this.#terms, `${actor} ${token}`, () => ({ extendedAt: 0, started: undefined, judged: undefined }));
  }
}
