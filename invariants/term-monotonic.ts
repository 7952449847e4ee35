/** Every election has its own term, and terms grow: what is decided at a later version is decided in the same term or a newer one. */
import { type Breach, breachAt, type Invariant, told } from './invariant.js';

export const termMonotonic: Invariant = {
  id: 'term-monotonic',
  promise: 'Every election has a term of its own, newer than all before it: the term of the cluster never goes back.',
  kind: 'always',
  spec: 'KelpieClusterMembership!TermMonotonic',
  hears: ['primary.elect', 'primary.stepdown', 'member.state', 'failover.plan', 'failover.done'],
  start() {
    const elected = new Map<number, string>();
    /** The versions at which each term was the cluster's. */
    const spans = new Map<number, { first: number; last: number }>();
    return {
      observe(event): Breach | undefined {
        const body = told(event);
        if (!('term' in body) || !('version' in body) || typeof body.term !== 'number' || typeof body.version !== 'number')
          return undefined;
        const { term, version } = body;
        if (body.type === 'primary.elect') {
          const who = `${event.node} (registration ${body.nodeLife})`;
          const other = elected.get(term) ?? who;
          elected.set(term, other);
          if (other !== who)
            return breachAt(event, `term ${term} is that of ${other}, which was elected in it`, `${who} is elected in it too`);
        }
        if (version < 0) return undefined;
        for (const [other, { first, last }] of spans) {
          if (other > term ? first >= version : other === term || last <= version) continue;
          return breachAt(
            event,
            `term ${Math.max(term, other)} comes after term ${Math.min(term, other)}`,
            `term ${other} was the cluster's at versions ${first} to ${last}, term ${term} at version ${version}`,
          );
        }
        const span = spans.get(term) ?? { first: version, last: version };
        spans.set(term, { first: Math.min(span.first, version), last: Math.max(span.last, version) });
        return undefined;
      },
    };
  },
};
