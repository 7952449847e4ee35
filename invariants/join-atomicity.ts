/**
 * Whoever takes part was let in. A life of a node goes through the states of a member in one direction, from joining on; it is let in
 * by another member, founds the cluster when nobody is in it, or takes the place of an earlier life of its own.
 */
import { entryOf } from './bookkeeping/keyed.js';
import { type Breach, breachAt, type Invariant, told } from './invariant.js';

type State = 'left' | 'joining' | 'active' | 'leaving' | 'failed';

/** What may become what. A life that left or failed comes back as a new one only. */
const CHANGES: Readonly<Record<State, readonly State[]>> = {
  left: ['joining'],
  joining: ['active', 'leaving', 'failed'],
  active: ['leaving', 'failed'],
  leaving: ['left', 'failed'],
  failed: ['joining'],
};

interface Change {
  readonly to: State;
  readonly version: number;
}

/** Evidence that this life was a member, or is let in. */
interface Life {
  readonly node: string;
  readonly changes: Change[];
  active: boolean;
}

export const joinAtomicity: Invariant = {
  id: 'join-atomicity',
  promise: 'Whoever takes part in the cluster was let in: a member is joining before it is active, and nobody founds a second cluster.',
  kind: 'always',
  spec: 'KelpieClusterMembership!JoinAtomicity',
  hears: ['member.state', 'member.join', 'primary.view'],
  start() {
    const lives = new Map<string, Life>();
    const lifeOf = (node: string, nodeLife: number): Life =>
      entryOf(lives, `${node} ${nodeLife}`, () => ({ node, changes: [], active: false }));
    /** Versions at which the cluster was founded. */
    const foundings: { readonly node: string; readonly version: number }[] = [];
    /** Lives that took part, before anything showed that they were let in. */
    const unproven = new Map<string, Breach>();
    /** A member that surely was one at that version: active before and told to be gone after. */
    const memberAt = (version: number, but: string): string | undefined =>
      [...lives.values()].find(
        ({ node, changes }) =>
          node !== but &&
          changes.some((change) => change.to === 'active' && change.version >= 0 && change.version < version) &&
          changes.some((change) => change.to !== 'active' && change.to !== 'joining' && change.version > version),
      )?.node;
    return {
      observe(event) {
        const body = told(event);
        switch (body.type) {
          case 'member.state': {
            const { member, nodeLife, from, to, by, version } = body;
            const life = lifeOf(member, nodeLife);
            life.changes.push({ to, version });
            // What it becomes something else from, it has been.
            if (to === 'active' || from === 'active' || from === 'leaving') {
              life.active = true;
              unproven.delete(`${member} ${nodeLife}`);
            }
            if (!CHANGES[from].includes(to))
              return breachAt(event, `${member}, which is ${from}, becomes ${CHANGES[from].join(' or ')}`, `it becomes ${to}`);
            if (to === 'joining' && by === member && from === 'left') foundings.push({ node: member, version });
            for (const founding of foundings) {
              const other = founding.version < 0 ? undefined : memberAt(founding.version, founding.node);
              if (other === undefined) continue;
              return breachAt(
                event,
                `${founding.node} asks ${other} to be let in, which is a member at version ${founding.version}`,
                'it founds a cluster',
                [founding.node, other],
              );
            }
            return undefined;
          }
          case 'member.join': {
            const life = lifeOf(event.node, body.nodeLife);
            if (life.active) return undefined;
            const expected = `registration ${body.nodeLife} of ${event.node} takes part when it was let in`;
            unproven.set(`${event.node} ${body.nodeLife}`, breachAt(event, expected, 'nobody ever tells that it is active'));
            return undefined;
          }
          case 'primary.view':
            // A change whose author died before it could tell of it.
            for (const { node, nodeLife, state } of body.members) {
              if (state !== 'active' && state !== 'leaving') continue;
              lifeOf(node, nodeLife).active = true;
              unproven.delete(`${node} ${nodeLife}`);
            }
            return undefined;
          default:
            return undefined;
        }
      },
      finish: () => [...unproven.values()][0],
    };
  },
};
