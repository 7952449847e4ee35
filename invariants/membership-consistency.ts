/** The primary is an active member: nobody is elected, or acts as one, in a life that is leaving, has left, or was failed. */
import { entryOf } from './bookkeeping/keyed.js';
import { type Breach, breachAt, type Invariant, told } from './invariant.js';

interface Life {
  /** The first version at which it was no active member any more, and what it was then. */
  gone: { readonly version: number; readonly state: string } | undefined;
  /** The latest version at which it was elected. */
  elected: { readonly version: number; readonly term: number } | undefined;
}

export const membershipConsistency: Invariant = {
  id: 'membership-consistency',
  promise: 'The primary of the cluster is an active member of it: nobody is primary who leaves, has left or was given up.',
  kind: 'always',
  spec: 'KelpieClusterMembership!MembershipConsistency',
  hears: ['member.state', 'primary.elect', 'primary.view'],
  start() {
    const lives = new Map<string, Life>();
    return {
      observe(event): Breach | undefined {
        const body = told(event);
        if (body.type === 'primary.view') {
          const own = body.members.find(({ node }) => node === event.node);
          if (own?.state === 'active') return undefined;
          return breachAt(
            event,
            `${event.node}, which reads itself as primary of term ${body.term}, is active there`,
            `it is ${own?.state ?? 'no member'}`,
          );
        }
        if (body.type !== 'member.state' && body.type !== 'primary.elect') return undefined;
        const node = body.type === 'member.state' ? body.member : event.node;
        const life = entryOf(lives, `${node} ${body.nodeLife}`, (): Life => ({ gone: undefined, elected: undefined }));
        if (body.type === 'primary.elect') life.elected = { version: body.version, term: body.term };
        else if (body.to !== 'joining' && body.to !== 'active' && body.version >= 0 && body.version < (life.gone?.version ?? Infinity)) {
          life.gone = { version: body.version, state: body.to };
        }
        if (life.gone === undefined || life.elected === undefined || life.elected.version <= life.gone.version) return undefined;
        return breachAt(
          event,
          `registration ${body.nodeLife} of ${node}, which is ${life.gone.state} since version ${life.gone.version}, is not elected`,
          `it is elected for term ${life.elected.term} at version ${life.elected.version}`,
          [node],
        );
      },
    };
  },
};
