/** A life that was given up stays given up: it is no member again, and claims nothing. Only a new registration brings the node back. */
import { entryOf } from './bookkeeping/keyed.js';
import { breachAt, type Invariant, told } from './invariant.js';

interface Life {
  /** The version at which it was failed. */
  failed: number | undefined;
  /** The latest version at which it did what only a good life may. */
  last: { readonly version: number; readonly what: string };
}

export const heartbeatStatusSync: Invariant = {
  id: 'heartbeat-status-sync',
  promise:
    'A node that was given up stays so until it registers again, whatever heartbeat arrives late: that life claims no actor any more.',
  kind: 'always',
  spec: 'KelpieRegistry!HeartbeatStatusSync',
  hears: ['node.register', 'member.state', 'claim.commit'],
  start() {
    const current = new Map<string, number>();
    const lives = new Map<string, Life>();
    return {
      observe(event) {
        const body = told(event);
        if (body.type === 'node.register') current.set(event.node, body.nodeLife);
        if ((body.type !== 'member.state' && body.type !== 'claim.commit') || body.version < 0) return undefined;
        const { version } = body;
        const [node, nodeLife] = body.type === 'member.state' ? [body.member, body.nodeLife] : [event.node, current.get(event.node)];
        if (nodeLife === undefined) return undefined;
        const life = entryOf(lives, `${node} ${nodeLife}`, () => ({ failed: undefined, last: { version: -1, what: '' } }));
        if (body.type === 'member.state' && body.to === 'failed') life.failed = version;
        else if (version > life.last.version) {
          life.last = { version, what: body.type === 'member.state' ? `becomes ${body.to}` : `claims ${body.actor}` };
        }
        if (life.failed === undefined || life.last.version <= life.failed) return undefined;
        return breachAt(
          event,
          `registration ${nodeLife} of ${node}, which was failed at version ${life.failed}, does nothing more`,
          `at version ${life.last.version} it ${life.last.what}`,
          [node],
        );
      },
    };
  },
};
