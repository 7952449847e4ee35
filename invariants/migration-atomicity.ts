/** Placement and lease move in one transaction: from that version on both are the target's, and no lease is left behind at the source. */
import { type Breach, breachAt, type Invariant, told } from './invariant.js';

interface Move {
  readonly token: number;
  readonly newToken: number;
  readonly to: string;
  readonly version: number;
}

interface Seen {
  readonly token: number;
  readonly version: number;
  readonly what: string;
  /** The node that it names, null for none; undefined for a renewal. */
  readonly owner?: string | null;
}

export const migrationAtomicity: Invariant = {
  id: 'migration-atomicity',
  promise: 'Registry and lease name the same node at every moment of a migration: placement and lease move together, or not at all.',
  kind: 'always',
  spec: 'KelpieMigration!MigrationAtomicity',
  hears: ['migrate.move', 'claim.read', 'lease.renew'],
  start() {
    const moves = new Map<string, Move[]>();
    /** The latest of each kind under each token, for a move that is told after it. */
    const sightings = new Map<string, Map<string, Seen>>();
    const torn = ({ token, newToken, to, version }: Move, seen: Seen): boolean => {
      if (version < 0 || seen.version <= version) return false;
      if (seen.token === newToken) return seen.owner !== undefined && seen.owner !== null && seen.owner !== to;
      return seen.token === token;
    };
    return {
      observe(event): Breach | undefined {
        const body = told(event);
        const broken = (actor: string, move: Move, seen: Seen): Breach =>
          breachAt(
            event,
            `from version ${move.version} on placement and lease of ${actor} are those of ${move.to}, under token ${move.newToken}`,
            `at version ${seen.version} ${seen.what}`,
            [move.to, event.node],
          );
        const look = (actor: string, kind: string, seen: Seen): Breach | undefined => {
          const own = sightings.get(actor) ?? new Map<string, Seen>();
          sightings.set(actor, own);
          const name = `${kind} ${seen.token} ${seen.owner ?? ''}`;
          if ((own.get(name)?.version ?? -1) < seen.version) own.set(name, seen);
          const move = moves.get(actor)?.find((one) => torn(one, seen));
          return move === undefined ? undefined : broken(actor, move, seen);
        };
        switch (body.type) {
          case 'claim.read': {
            const what = `it is placed on ${body.owner ?? 'no node'}, with token ${body.token}`;
            return look(body.actor, 'read', { token: body.token, version: body.readVersion, owner: body.owner, what });
          }
          case 'lease.renew':
            return look(body.actor, 'renewal', {
              token: body.token,
              version: body.version,
              what: `${event.node} renews token ${body.token}`,
            });
          case 'migrate.move': {
            moves.set(body.actor, [...(moves.get(body.actor) ?? []), body]);
            const seen = [...(sightings.get(body.actor)?.values() ?? [])].find((one) => torn(body, one));
            return seen === undefined ? undefined : broken(body.actor, body, seen);
          }
          default:
            return undefined;
        }
      },
    };
  },
};
