/**
 * The fencing token of an actor only ever grows, with every grant. So whoever reads at a version finds the token of every grant up
 * to it, or a newer one; and what was read at an earlier version is no newer.
 */
import type { TraceEvent } from '../src/trace.js';
import { entryOf } from './bookkeeping/keyed.js';
import { type Breach, breachAt, type Invariant, told } from './invariant.js';

/** The versions at which a token was seen as the newest. */
interface Sighting {
  first: number;
  last: number;
}

export const fencingTokenMonotonic: Invariant = {
  id: 'fencing-token-monotonic',
  promise: 'Every change of holder gives out a newer fencing token, so that the tokens of an actor grow with the versions of the database.',
  kind: 'always',
  spec: 'KelpieLease!FencingTokenMonotonic',
  hears: ['claim.read', 'claim.commit', 'migrate.move'],
  start() {
    const sightings = new Map<string, Map<number, Sighting>>();
    // Several grants may share a version, so only different versions are compared.
    const seen = (event: TraceEvent, actor: string, token: number, version: number): Breach | undefined => {
      if (version < 0) return undefined;
      const known = entryOf(sightings, actor, () => new Map<number, Sighting>());
      for (const [other, { first, last }] of known) {
        const back = other > token ? first < version : other < token && last > version;
        if (!back) continue;
        const [lower, higher] = other < token ? [other, token] : [token, other];
        return breachAt(
          event,
          `token ${higher} of ${actor} is newer than token ${lower}`,
          `token ${other} was the newest at versions ${first} to ${last}, token ${token} at version ${version}`,
        );
      }
      const own = entryOf(known, token, () => ({ first: version, last: version }));
      own.first = Math.min(own.first, version);
      own.last = Math.max(own.last, version);
      return undefined;
    };
    return {
      observe(event) {
        const body = told(event);
        switch (body.type) {
          case 'claim.read':
            return seen(event, body.actor, body.token, body.readVersion);
          case 'claim.commit':
            return seen(event, body.actor, body.token, body.version);
          case 'migrate.move':
            return seen(event, body.actor, body.newToken, body.version);
          default:
            return undefined;
        }
      },
    };
  },
};
