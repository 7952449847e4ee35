/** What is committed had read nothing that changed before its commit: the order in which commits build on each other is that of their versions. */
import { COMMIT_TYPES, type Commit, Commits } from './bookkeeping/commits.js';
import { entryOf } from './bookkeeping/keyed.js';
import { breachAt, type Invariant } from './invariant.js';

export const conflictDetection: Invariant = {
  id: 'conflict-detection',
  promise: 'A commit whose reads were overtaken is refused: commits that build on each other took effect in that order.',
  kind: 'always',
  spec: 'KelpieFDBTransaction!ConflictDetection',
  hears: COMMIT_TYPES,
  start() {
    const commits = new Commits();
    /** Applied at known versions, in the order in which they build on each other. */
    const chains = new Map<string, Commit[]>();
    return {
      observe(event) {
        const { actor, commit } = commits.observe(event) ?? {};
        if (actor === undefined || commit === undefined || commit.fate !== 'applied' || commit.version < 0) return undefined;
        const chain = entryOf(chains, actor, () => []);
        if (chain.includes(commit)) return undefined;
        // Most come at the end.
        let at = chain.length;
        while (at > 0 && (chain[at - 1] as Commit).stateVersion > commit.stateVersion) at -= 1; // within bounds
        chain.splice(at, 0, commit);
        const [before, after] = [chain[at - 1], chain[at + 1]];
        const wrong =
          before !== undefined && before.version >= commit.version
            ? [before, commit]
            : after !== undefined && commit.version >= after.version
              ? [commit, after]
              : [];
        const [first, second] = wrong;
        if (first === undefined || second === undefined) return undefined;
        return breachAt(
          event,
          `${second.commit} of ${actor}, which is number ${second.stateVersion}, took effect after number ${first.stateVersion}, on which it builds`,
          `it took effect at version ${second.version}, number ${first.stateVersion} (${first.commit}) at version ${first.version}`,
        );
      },
    };
  },
};
