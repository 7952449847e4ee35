/**
 * Whoever reads the registry finds there the node that was granted the token it bears. Reads and grants are told in any order: a
 * reader may know of a grant before its holder does.
 */
import type { TraceEvent } from '../src/trace.js';
import { entryOf } from './bookkeeping/keyed.js';
import { PLACEMENT_TYPES, Placements } from './bookkeeping/placements.js';
import { type Breach, breachAt, type Invariant, told } from './invariant.js';

export const consistentHolder: Invariant = {
  id: 'consistent-holder',
  promise: 'The node that holds the newest fencing token of an actor is the one that the registry names as its holder.',
  kind: 'always',
  spec: 'KelpieSingleActivation!ConsistentHolder',
  hears: [...PLACEMENT_TYPES, 'claim.read'],
  start() {
    const placements = new Placements();
    /** The owner that was read together with each token. */
    const reads = new Map<string, string>();
    const differs = (event: TraceEvent, actor: string, token: number, granted: string, owner: string): Breach =>
      breachAt(
        event,
        `the registry names ${granted}, which was granted token ${token} of ${actor}`,
        `it names ${owner} with that token`,
        granted === owner ? [owner] : [granted, owner],
      );
    return {
      observe(event) {
        const body = told(event);
        if (body.type === 'claim.read') {
          const { actor, token, owner } = body;
          if (owner === null) return undefined;
          const before = entryOf(reads, `${actor} ${token}`, () => owner);
          if (before !== owner) return differs(event, actor, token, before, owner);
          const other = placements.of(actor).grants.find((grant) => grant.token === token && grant.node !== owner);
          return other === undefined ? undefined : differs(event, actor, token, other.node, owner);
        }
        const { actor = '', grant } = placements.observe(event) ?? {};
        const owner = grant === undefined ? undefined : reads.get(`${actor} ${grant.token}`);
        if (grant === undefined || owner === undefined || owner === grant.node) return undefined;
        return differs(event, actor, grant.token, grant.node, owner);
      },
    };
  },
};
