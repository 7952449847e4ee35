/** A node loads, serves and commits an actor only under a claim that was granted to this very life of it. */
import { entryOf, lifeOf, within } from './bookkeeping/keyed.js';
import { breachAt, type Invariant, told } from './invariant.js';

export const registryPlacementConsistency: Invariant = {
  id: 'registry-placement-consistency',
  promise:
    'A node serves only what is placed on it: it loads, runs and commits an actor under tokens that were granted to this life of it.',
  kind: 'always',
  spec: 'KelpieRegistry!PlacementConsistency',
  hears: ['claim.commit', 'activate.load', 'invoke.start', 'commit.done'],
  start() {
    const granted = new Map<string, Set<number>>();
    return {
      observe(event) {
        const body = told(event);
        switch (body.type) {
          case 'claim.commit':
            entryOf(granted, within(event, body.actor), () => new Set<number>()).add(body.token);
            return undefined;
          case 'activate.load':
          case 'invoke.start':
          case 'commit.done': {
            const tokens = granted.get(within(event, body.actor));
            if (tokens?.has(body.token) === true) return undefined;
            const known = tokens === undefined ? 'none' : [...tokens].join(', ');
            const what = body.type === 'activate.load' ? 'loads' : body.type === 'invoke.start' ? `begins ${body.operation} of` : 'commits';
            return breachAt(
              event,
              `${lifeOf(event)} serves ${body.actor} under a token that it was granted: ${known}`,
              `it ${what} ${body.actor} under token ${body.token}`,
            );
          }
          default:
            return undefined;
        }
      },
    };
  },
};
