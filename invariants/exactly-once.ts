/** A request to an actor takes effect at most once, however often it is sent, tried and forwarded. */
import { COMMIT_TYPES, Commits } from './bookkeeping/commits.js';
import { entryOf } from './bookkeeping/keyed.js';
import { breachAt, type Invariant } from './invariant.js';

export const exactlyOnce: Invariant = {
  id: 'exactly-once',
  promise: 'A request takes effect at most once: however often it is sent again or tried again, one commit at most bears its name.',
  kind: 'always',
  hears: COMMIT_TYPES,
  start() {
    const commits = new Commits();
    const served = new Map<string, string>();
    return {
      observe(event) {
        const { actor, commit } = commits.observe(event) ?? {};
        if (actor === undefined || commit === undefined || commit.fate !== 'applied' || commit.request === null) return undefined;
        const first = entryOf(served, `${actor} ${commit.request}`, () => commit.commit);
        if (first === commit.commit) return undefined;
        return breachAt(
          event,
          `${commit.request} of ${actor} took effect once, by commit ${first}`,
          `commit ${commit.commit} is its effect too`,
        );
      },
    };
  },
};
