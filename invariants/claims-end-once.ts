/**
 * A claim that a node has lost, or gives up because its lease is over, is over: the node says so once and does nothing more for it. One that
 * stays among those that are renewed is renewed for nobody: it keeps a lease alive that others wait for, or is lost anew with every renewal.
 */
import { within } from './bookkeeping/keyed.js';
import { breachAt, type Invariant, told } from './invariant.js';

export const claimsEndOnce: Invariant = {
  id: 'claims-end-once',
  promise: 'A node lets go of a claim that it has lost or that has run out: it ends once, and the node tries nothing more for it.',
  kind: 'always',
  hears: ['lease.expire-local', 'lease.lost'],
  start() {
    /** How each claim has ended, by the life that held it. */
    const ended = new Map<string, string>();
    return {
      observe(event) {
        const body = told(event);
        if (body.type !== 'lease.expire-local' && body.type !== 'lease.lost') return undefined;
        const how = body.type === 'lease.lost' ? 'was lost to another holder' : 'ran out';
        const claim = within(event, body.actor, body.token);
        const before = ended.get(claim);
        ended.set(claim, how);
        if (before === undefined) return undefined;
        return breachAt(
          event,
          `the claim of ${body.actor} with token ${body.token}, which ${before}, is over on ${event.node}`,
          `then it ${how}`,
        );
      },
    };
  },
};
