/** A renewal takes effect only for the claim that holds the lease at that version of the database. */
import { entryOf } from './bookkeeping/keyed.js';
import { PLACEMENT_TYPES, Placements } from './bookkeeping/placements.js';
import { type Breach, breachAt, type Invariant, told } from './invariant.js';

interface Renewal {
  readonly token: number;
  readonly node: string;
  readonly version: number;
}

export const renewalRequiresOwnership: Invariant = {
  id: 'renewal-requires-ownership',
  promise: 'Only the holder of a lease renews it: no renewal takes effect after the actor was granted to another claim or given back.',
  kind: 'always',
  spec: 'KelpieLease!RenewalRequiresOwnership',
  hears: [...PLACEMENT_TYPES, 'lease.renew'],
  start() {
    const placements = new Placements();
    /** The latest renewal under each token of an actor. */
    const renewals = new Map<string, Map<number, Renewal>>();
    return {
      observe(event): Breach | undefined {
        const judge = (actor: string, { token, node, version }: Renewal): Breach | undefined => {
          const { grants, removals } = placements.of(actor);
          const known = grants.filter((grant) => grant.token === token);
          if (known.length > 0 && !known.some((grant) => grant.node === node)) {
            return breachAt(event, `${known[0]?.node} renews its lease of ${actor} (token ${token})`, `${node} has renewed it`, [node]);
          }
          const newer = grants.find((grant) => grant.token > token && grant.version >= 0 && grant.version < version);
          const removal = removals.get(token);
          const gone = removal !== undefined && removal.version >= 0 && removal.version < version ? removal.how : undefined;
          if (newer === undefined && gone === undefined) return undefined;
          const why = newer === undefined ? `was ${gone}` : `was followed by token ${newer.token} of ${newer.node}`;
          return breachAt(
            event,
            `token ${token} of ${actor}, which ${why}, is renewed no more`,
            `${node} renewed it at version ${version}`,
            [node],
          );
        };
        const body = told(event);
        if (body.type === 'lease.renew') {
          const renewal = { token: body.token, node: event.node, version: body.version };
          const own = entryOf(renewals, body.actor, () => new Map<number, Renewal>());
          if ((own.get(body.token)?.version ?? -1) < body.version) own.set(body.token, renewal);
          return judge(body.actor, renewal);
        }
        const { actor } = placements.observe(event) ?? {};
        if (actor === undefined) return undefined;
        for (const renewal of renewals.get(actor)?.values() ?? []) {
          const breach = judge(actor, renewal);
          if (breach !== undefined) return breach;
        }
        return undefined;
      },
    };
  },
};
