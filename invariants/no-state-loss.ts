/** Whoever serves an actor after a migration has all that was committed before it: the target is told how many commits it must find. */
import { entryOf } from './bookkeeping/keyed.js';
import { breachAt, type Invariant, told } from './invariant.js';

interface Source {
  /** Commits that took effect under each token. */
  readonly committed: Map<number, number>;
  /** What targets were told, by the token of the source. */
  readonly transferred: Map<number, number>;
}

export const noStateLoss: Invariant = {
  id: 'no-state-loss',
  promise: 'A migrated actor has the state that was committed last: the target is told which one, and nobody loads an older one.',
  kind: 'always',
  spec: 'KelpieMigration!NoStateLoss',
  hears: ['commit.done', 'migrate.transfer', 'activate.load'],
  start() {
    const actors = new Map<string, Source>();
    return {
      observe(event) {
        const body = told(event);
        if (body.type !== 'commit.done' && body.type !== 'migrate.transfer' && body.type !== 'activate.load') return undefined;
        const { actor, token, stateVersion } = body;
        const { committed, transferred } = entryOf(actors, actor, () => ({ committed: new Map(), transferred: new Map() }));
        switch (body.type) {
          case 'commit.done':
            committed.set(token, Math.max(stateVersion, committed.get(token) ?? 0));
            return undefined;
          case 'migrate.transfer': {
            transferred.set(token, stateVersion);
            const last = committed.get(token) ?? 0;
            if (stateVersion >= last) return undefined;
            return breachAt(event, `the target is told of all ${last} commits of ${actor}`, `it is told of ${stateVersion}`);
          }
          case 'activate.load':
            for (const [source, promised] of transferred) {
              if (source >= token || stateVersion >= promised) continue;
              return breachAt(
                event,
                `${event.node} finds the ${promised} commits of ${actor} that its source had made under token ${source}`,
                `it finds ${stateVersion}`,
              );
            }
            return undefined;
        }
      },
    };
  },
};
