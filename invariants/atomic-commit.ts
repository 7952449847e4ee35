/**
 * The state in the store and the number of commits beside it are of the same commit. An activation reads both; a commit under the same
 * token goes on counting from those that took effect, and from no other.
 */
import { COMMIT_TYPES, Commits } from './bookkeeping/commits.js';
import { entryOf } from './bookkeeping/keyed.js';
import { type Breach, breachAt, type Invariant, told } from './invariant.js';

/** Longest chain of commits that left the state alone, to look back on. */
const LOOK_BACK_MAX = 1_000;

export const atomicCommit: Invariant = {
  id: 'atomic-commit',
  promise: 'A commit is in the store whole: the state, and the count of commits beside it, are of the same commit.',
  kind: 'always',
  spec: 'KelpieFDBTransaction!AtomicCommit',
  hears: [...COMMIT_TYPES, 'activate.load'],
  start() {
    const commits = new Commits();
    /** States that were read, by the number of the commit they are of. */
    const known = new Map<string, Map<number, number | null>>();
    /** The number that the next commit under each token must have. */
    const next = new Map<string, number>();
    /** What the state may be after this many commits; undefined when that is not known. */
    const possible = (actor: string, stateVersion: number): ReadonlySet<number | null> | undefined => {
      const own = [...commits.of(actor).values()].filter(({ fate }) => fate !== 'refused');
      const states = new Set<number | null>();
      for (let number = stateVersion, steps = 0; steps < LOOK_BACK_MAX; number -= 1, steps += 1) {
        const read = known.get(actor)?.get(number);
        if (read !== undefined) return states.add(read);
        if (number === 0) return states.add(null);
        const candidates = own.filter((commit) => commit.stateVersion === number);
        if (candidates.length === 0) return undefined;
        for (const { state } of candidates) if (state !== 'unchanged') states.add(state);
        if (candidates.every(({ state }) => state !== 'unchanged')) return states;
      }
      return undefined;
    };
    return {
      observe(event): Breach | undefined {
        const body = told(event);
        if (body.type === 'activate.load') {
          const { actor, token, stateVersion, state } = body;
          next.set(`${actor} ${token}`, stateVersion + 1);
          const states = possible(actor, stateVersion);
          entryOf(known, actor, () => new Map<number, number | null>()).set(stateVersion, state);
          if (states === undefined || states.has(state)) return undefined;
          return breachAt(
            event,
            `after ${stateVersion} commits ${actor} has the state of number ${stateVersion}: ${[...states].map((one) => one ?? 'none').join(' or ')}`,
            `its state is ${state ?? 'none'}`,
          );
        }
        const { actor, commit } = commits.observe(event) ?? {};
        if (actor === undefined || commit === undefined) return undefined;
        const place = `${actor} ${commit.token}`;
        if (commit.fate === 'applied') next.set(place, commit.stateVersion + 1);
        const expected = next.get(place);
        if (commit.fate !== 'open' || expected === undefined || expected === commit.stateVersion) return undefined;
        return breachAt(
          event,
          `the next commit of ${actor} under token ${commit.token} is number ${expected}`,
          `${commit.commit} is number ${commit.stateVersion}`,
        );
      },
    };
  },
};
