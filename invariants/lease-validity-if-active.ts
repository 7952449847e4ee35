/** Whoever begins an invocation holds a lease that has not run out: no challenger has found it expired since it was last extended. */
import { LEASE_TERM_TYPES, LeaseTerms } from './bookkeeping/lease-terms.js';
import { breachAt, type Invariant, told } from './invariant.js';

export const leaseValidityIfActive: Invariant = {
  id: 'lease-validity-if-active',
  promise: 'A node serves an actor only while its lease is good: when another node finds the lease expired, the holder has stopped.',
  kind: 'always',
  spec: 'KelpieSingleActivation!LeaseValidityIfActive',
  hears: LEASE_TERM_TYPES,
  start() {
    const terms = new LeaseTerms();
    return {
      observe(event) {
        const judged = terms.observe(event)?.judged;
        const body = told(event);
        if (judged === undefined || body.type !== 'invoke.start') return undefined;
        return breachAt(
          event,
          `nobody serves ${body.actor} under token ${body.token}, whose lease ${judged.node} found expired at ${judged.at} us`,
          `${event.node} begins ${body.operation} under it`,
          [event.node, judged.node],
        );
      },
    };
  },
};
