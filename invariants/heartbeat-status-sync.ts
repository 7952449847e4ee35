/**
 * A life that was given up stays given up: it is no member again, claims nothing and renews nothing. Only a new registration brings the
 * node back. A renewal that had read before the failure may pass it by; renewals of one node follow each other, so the next one may not.
 */
import { entryOf } from './bookkeeping/keyed.js';
import { breachAt, type Invariant, told } from './invariant.js';

interface Life {
  /** The version at which it was failed. */
  failed: number | undefined;
  /** The latest version at which it did what only a good life may. */
  last: { readonly version: number; readonly what: string };
  /** The latest two versions at which it renewed leases, the later one first. */
  renewals: readonly [number, number];
}

export const heartbeatStatusSync: Invariant = {
  id: 'heartbeat-status-sync',
  promise:
    'A node that was given up stays so until it registers again, whatever heartbeat arrives late: that life claims no actor and renews no lease.',
  kind: 'always',
  spec: 'KelpieRegistry!HeartbeatStatusSync',
  hears: ['node.register', 'member.state', 'claim.commit', 'lease.renew'],
  start() {
    const current = new Map<string, number>();
    const lives = new Map<string, Life>();
    return {
      observe(event) {
        const body = told(event);
        if (body.type === 'node.register') current.set(event.node, body.nodeLife);
        if (body.type !== 'member.state' && body.type !== 'claim.commit' && body.type !== 'lease.renew') return undefined;
        if (body.version < 0) return undefined;
        const { version } = body;
        const [node, nodeLife] = body.type === 'member.state' ? [body.member, body.nodeLife] : [event.node, current.get(event.node)];
        if (nodeLife === undefined) return undefined;
        const life = entryOf(lives, `${node} ${nodeLife}`, () => ({
          failed: undefined,
          last: { version: -1, what: '' },
          renewals: [-1, -1] as const,
        }));
        if (body.type === 'member.state' && body.to === 'failed') life.failed = version;
        else if (body.type === 'lease.renew') {
          const [last, before] = life.renewals;
          if (version > last) life.renewals = [version, last];
          else if (version < last && version > before) life.renewals = [last, version];
        } else if (version > life.last.version) {
          life.last = { version, what: body.type === 'member.state' ? `becomes ${body.to}` : `claims ${body.actor}` };
        }
        const { failed, last, renewals } = life;
        if (failed === undefined) return undefined;
        const expected = `registration ${nodeLife} of ${node}, which was failed at version ${failed}, does nothing more`;
        if (last.version > failed) return breachAt(event, expected, `at version ${last.version} it ${last.what}`, [node]);
        if (renewals[1] <= failed) return undefined;
        return breachAt(event, expected, `it renews leases at version ${renewals[1]}, and again at ${renewals[0]}`, [node]);
      },
    };
  },
};
