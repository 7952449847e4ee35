/**
 * Placement and lease change together: once a claim is given back, taken away or passed on, nobody reads the actor as placed under
 * its token any more. Reads and removals are compared by the versions of the database.
 */
import { entryOf } from './bookkeeping/keyed.js';
import { PLACEMENT_TYPES, Placements, type Removal } from './bookkeeping/placements.js';
import { type Breach, breachAt, type Invariant, told } from './invariant.js';

export const singleActivationPlacementConsistency: Invariant = {
  id: 'single-activation-placement-consistency',
  promise:
    'Registry and lease of an actor agree: once its claim is given back or taken away, the registry places it under that claim no more.',
  kind: 'always',
  spec: 'KelpieSingleActivation!PlacementConsistency',
  hears: [...PLACEMENT_TYPES, 'claim.read'],
  start() {
    const placements = new Placements();
    /** The latest version at which the actor was read as placed under the token, and where. */
    const placed = new Map<string, { version: number; node: string }>();
    return {
      observe(event): Breach | undefined {
        const left = (actor: string, { token, how, version }: Removal): Breach | undefined => {
          const read = placed.get(`${actor} ${token}`);
          if (version < 0 || read === undefined || read.version < version) return undefined;
          const expected = `${actor} is placed nowhere under token ${token}, which was ${how} at version ${version}`;
          return breachAt(event, expected, `at version ${read.version} the registry places it on ${read.node}`, [read.node]);
        };
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
