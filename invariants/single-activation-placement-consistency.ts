/**
 * Placement and lease change together: once a claim is given back, taken away or passed on, nobody reads the actor as placed under
 * its token any more. Reads and removals are compared by the versions of the database. And whoever is placed runs the actor, or gives it
 * back: a node that could not bring it up renews its lease no more, but for a renewal that was on its way.
 */
import { entryOf, within } from './bookkeeping/keyed.js';
import { PLACEMENT_TYPES, Placements, type Removal } from './bookkeeping/placements.js';
import type { TraceEvent } from '../src/trace.js';
import { type Breach, breachAt, type Invariant, told } from './invariant.js';

/** One renewal can have been sent before. */
const RENEWALS_ON_THEIR_WAY = 1;

export const singleActivationPlacementConsistency: Invariant = {
  id: 'single-activation-placement-consistency',
  promise:
    'Registry and lease of an actor agree: once its claim is given back or taken away, the registry places it under that claim no more, and a node that cannot bring it up does not keep it.',
  kind: 'always',
  spec: 'KelpieSingleActivation!PlacementConsistency',
  hears: [...PLACEMENT_TYPES, 'claim.read', 'activate.start', 'activate.fail', 'lease.renew'],
  start() {
    const placements = new Placements();
    /** The latest version at which the actor was read as placed under the token, and where. */
    const placed = new Map<string, { version: number; node: string }>();
    /** Renewals since the actor could not be brought up, by life and actor. */
    const renewals = new Map<string, number>();
    const kept = (event: TraceEvent): Breach | undefined => {
      const body = told(event);
      switch (body.type) {
        case 'activate.start':
        case 'claim.commit':
          renewals.delete(within(event, body.actor));
          return undefined;
        case 'activate.fail':
          renewals.set(within(event, body.actor), 0);
          return undefined;
        case 'lease.renew': {
          const place = within(event, body.actor);
          const before = renewals.get(place);
          if (before === undefined) return undefined;
          renewals.set(place, before + 1);
          if (before < RENEWALS_ON_THEIR_WAY) return undefined;
          const expected = `${event.node} gives ${body.actor} back, which it could not bring up under token ${body.token}`;
          return breachAt(event, expected, 'it renews its lease again and again');
        }
        default:
          return undefined;
      }
    };
    return {
      observe(event): Breach | undefined {
        const left = (actor: string, { token, how, version }: Removal): Breach | undefined => {
          const read = placed.get(`${actor} ${token}`);
          if (version < 0 || read === undefined || read.version < version) return undefined;
          const expected = `${actor} is placed nowhere under token ${token}, which was ${how} at version ${version}`;
          return breachAt(event, expected, `at version ${read.version} the registry places it on ${read.node}`, [read.node]);
        };
        const breach = kept(event);
        if (breach !== undefined) return breach;
        const body = told(event);
        if (body.type === 'claim.read') {
          const { actor, token, owner, readVersion } = body;
          if (owner === null) return undefined;
          const read = entryOf(placed, `${actor} ${token}`, () => ({ version: readVersion, node: owner }));
          if (readVersion > read.version) Object.assign(read, { version: readVersion, node: owner });
          const removal = placements.of(actor).removals.get(token);
          return removal === undefined ? undefined : left(actor, removal);
        }
        const { actor = '', removal } = placements.observe(event) ?? {};
        return removal === undefined ? undefined : left(actor, removal);
      },
    };
  },
};
