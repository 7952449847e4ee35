/** A claim that was given back, taken away or passed on serves nobody: the next holder would not be alone. */
import { entryOf } from './bookkeeping/keyed.js';
import { PLACEMENT_TYPES, Placements } from './bookkeeping/placements.js';
import { breachAt, type Invariant, told } from './invariant.js';

export const leaseExclusivity: Invariant = {
  id: 'lease-exclusivity',
  promise: 'At most one node serves an actor: what was released, failed over or moved is served under that claim no more.',
  kind: 'always',
  spec: 'KelpieRegistry!LeaseExclusivity',
  hears: [...PLACEMENT_TYPES, 'invoke.start', 'commit.done'],
  start() {
    const placements = new Placements();
    /** The latest commit under each token of each actor. */
    const commits = new Map<string, { version: number; readonly node: string }>();
    return {
      observe(event) {
        const body = told(event);
        if (body.type === 'invoke.start') {
          const removal = placements.of(body.actor).removals.get(body.token);
          if (removal === undefined) return undefined;
          const expected = `nobody serves ${body.actor} under token ${body.token}, which was ${removal.how}`;
          return breachAt(event, expected, `${event.node} begins ${body.operation} under it`);
        }
        let { actor, removal } = placements.observe(event) ?? {};
        if (body.type === 'commit.done') {
          const commit = entryOf(commits, `${body.actor} ${body.token}`, () => ({ version: body.version, node: event.node }));
          commit.version = Math.max(commit.version, body.version);
          actor = body.actor;
          removal = placements.of(body.actor).removals.get(body.token);
        }
        const commit = removal === undefined ? undefined : commits.get(`${actor} ${removal.token}`);
        if (removal === undefined || commit === undefined || removal.version < 0 || commit.version <= removal.version) return undefined;
        return breachAt(
          event,
          `nothing of ${actor} is committed under token ${removal.token}, which was ${removal.how} at version ${removal.version}`,
          `a commit of ${commit.node} under it took effect at version ${commit.version}`,
          [commit.node],
        );
      },
    };
  },
};
