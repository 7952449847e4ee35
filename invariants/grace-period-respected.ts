/** Between the last invocation that begins on a lease and the moment at which somebody finds it expired lies the grace period, in true time. */
import { LEASE_TERM_TYPES, LeaseTerms } from './bookkeeping/lease-terms.js';
import { breachAt, type Invariant, told } from './invariant.js';

export const gracePeriodRespected: Invariant = {
  id: 'grace-period-respected',
  promise: 'A holder stops serving by more than the grace period before anybody takes its lease for expired, whatever their clocks show.',
  kind: 'always',
  spec: 'KelpieLease!GracePeriodRespected',
  hears: LEASE_TERM_TYPES,
  start() {
    const terms = new LeaseTerms();
    return {
      observe(event) {
        const term = terms.observe(event);
        const body = told(event);
        if (body.type !== 'lease.judge-expired' || term?.judged !== event || term.started === undefined) return undefined;
        const { graceMicros = 0 } = body;
        const apart = event.at - term.started.at;
        if (apart >= graceMicros) return undefined;
        return breachAt(
          event,
          `the lease of ${body.actor} (token ${body.token}) is found expired ${graceMicros} us after the last invocation on it, or later`,
          `${term.started.node} began one ${apart} us before ${event.node} found it expired`,
          [term.started.node, event.node],
        );
      },
    };
  },
};
