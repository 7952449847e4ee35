/**
 * An actor comes up as it was left. Each commit says how many the actor has had with it, and each activation how many it finds: what was
 * committed under the claims before its own must be among them, whether the store was easy to read or not.
 */
import { entryOf } from './bookkeeping/keyed.js';
import { breachAt, type Invariant, told } from './invariant.js';

export const activationFindsCommits: Invariant = {
  id: 'activation-finds-commits',
  promise: 'Whoever activates an actor finds all that was committed before: an actor that cannot be read is not begun anew.',
  kind: 'always',
  hears: ['commit.done', 'activate.load'],
  start() {
    /** The most commits that were told under each claim of each actor. */
    const actors = new Map<string, Map<number, number>>();
    return {
      observe(event) {
        const body = told(event);
        if (body.type !== 'commit.done' && body.type !== 'activate.load') return undefined;
        const { actor, token, stateVersion } = body;
        const claims = entryOf(actors, actor, () => new Map<number, number>());
        if (body.type === 'commit.done') {
          claims.set(token, Math.max(stateVersion, claims.get(token) ?? 0));
          return undefined;
        }
        const earlier = [...claims].filter(([claim]) => claim < token).map(([, commits]) => commits);
        const least = Math.max(0, ...earlier);
        if (stateVersion >= least) return undefined;
        return breachAt(event, `${event.node} finds the ${least} commits that ${actor} has had`, `it finds ${stateVersion}`);
      },
    };
  },
};
