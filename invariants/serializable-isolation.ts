/**
 * Commits of an actor follow one after the other: each follows exactly one other, which an activation has loaded or the commit before
 * has left. Two that follow the same one are a lost update, and so is one that the next activation does not find.
 */
import { COMMIT_TYPES, Commits } from './bookkeeping/commits.js';
import { entryOf } from './bookkeeping/keyed.js';
import { breachAt, type Invariant, told } from './invariant.js';

export const serializableIsolation: Invariant = {
  id: 'serializable-isolation',
  promise: 'Commits of an actor take effect one after the other, each on what the one before has left: no update is lost.',
  kind: 'always',
  spec: 'KelpieFDBTransaction!SerializableIsolation',
  hears: [...COMMIT_TYPES, 'activate.load'],
  start() {
    const commits = new Commits();
    /** The commit that took effect at each place in the order. */
    const orders = new Map<string, Map<number, string>>();
    /** The newest activation and how many commits it has found. */
    const loads = new Map<string, { readonly token: number; readonly stateVersion: number }>();
    return {
      observe(event) {
        const body = told(event);
        if (body.type === 'activate.load') {
          const { actor, token, stateVersion } = body;
          if ((loads.get(actor)?.token ?? -1) < token) loads.set(actor, { token, stateVersion });
          const missed = [...commits.of(actor).values()].find(
            (commit) => commit.fate === 'applied' && commit.token < token && commit.stateVersion > stateVersion,
          );
          if (missed === undefined) return undefined;
          const expected = `the activation under token ${token} finds the ${missed.stateVersion} commits of ${actor} up to ${missed.commit}, or more`;
          return breachAt(event, expected, `it finds ${stateVersion}`);
        }
        const { actor, commit } = commits.observe(event) ?? {};
        if (actor === undefined || commit === undefined || commit.fate !== 'applied') return undefined;
        const order = entryOf(orders, actor, () => new Map<number, string>());
        const other = entryOf(order, commit.stateVersion, () => commit.commit);
        if (other !== commit.commit) {
          return breachAt(
            event,
            `one commit of ${actor} is its commit number ${commit.stateVersion}`,
            `${other} and ${commit.commit} both took effect as that`,
          );
        }
        const load = loads.get(actor);
        if (load === undefined || commit.token >= load.token || commit.stateVersion <= load.stateVersion) return undefined;
        const expected = `the activation under token ${load.token} has found every commit of ${actor} under older tokens: ${load.stateVersion}`;
        return breachAt(event, expected, `${commit.commit} took effect as number ${commit.stateVersion}`);
      },
    };
  },
};
