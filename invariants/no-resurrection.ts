/** What was deleted stays so until it is written again: no late save brings a deleted actor back. */
import { entryOf } from './bookkeeping/keyed.js';
import { breachAt, type Invariant, told } from './invariant.js';

interface Deletion {
  /** Commits under way that delete the state. */
  readonly deleting: Set<string>;
  /** The commit that deleted it, while no commit since may have written it again. */
  deletedBy: string | undefined;
  token: number;
}

export const noResurrection: Invariant = {
  id: 'no-resurrection',
  promise: 'A deleted actor stays deleted until a commit writes it again: no late deactivation and no old copy brings it back.',
  kind: 'always',
  spec: 'KelpieActorLifecycle!NoResurrection',
  hears: ['commit.start', 'commit.done', 'commit.resolved', 'activate.load'],
  start() {
    const actors = new Map<string, Deletion>();
    return {
      observe(event) {
        const body = told(event);
        if (
          body.type !== 'commit.start' &&
          body.type !== 'commit.done' &&
          body.type !== 'commit.resolved' &&
          body.type !== 'activate.load'
        ) {
          return undefined;
        }
        const actor = entryOf(actors, body.actor, () => ({ deleting: new Set<string>(), deletedBy: undefined, token: 0 }));
        switch (body.type) {
          case 'commit.start':
            if (body.stateDeleted) actor.deleting.add(body.commit);
            // An older holder is fenced off, and writes nothing.
            else if (body.state !== null && body.token >= actor.token) actor.deletedBy = undefined;
            return undefined;
          case 'commit.done':
          case 'commit.resolved':
            if (!actor.deleting.delete(body.commit) || (body.type === 'commit.resolved' && !body.applied)) return undefined;
            actor.deletedBy = body.commit;
            actor.token = body.token;
            return undefined;
          case 'activate.load':
            if (actor.deletedBy === undefined || body.state === null || body.token <= actor.token) return undefined;
            return breachAt(
              event,
              `${body.actor}, which commit ${actor.deletedBy} has deleted and no commit has written since, has no state`,
              `it is loaded with a state (checksum ${body.state}, ${body.stateVersion} commits)`,
            );
        }
      },
    };
  },
};
