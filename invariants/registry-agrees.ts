/**
 * The records of the registry are written together, so at every version they fit each other: who holds an actor says so in the placement, in
 * the lease and in the list of the node, and each node counts what is placed on it. Failover and sweep read the list, challengers the lease
 * and placement the count; one that is wrong shows nowhere until an actor is forgotten. An auditor reads them all at one version.
 */
import type { TraceEvent } from '../src/trace.js';
import type { AuditEvent } from '../src/story.js';
import { type Breach, breachAt, type Fold, type Invariant, told } from './invariant.js';

type Actor = Extract<AuditEvent, { type: 'audit.actor' }>;
type Node = Extract<AuditEvent, { type: 'audit.node' }>;

const listed = (names: readonly string[]): string => (names.length === 0 ? 'no node' : names.join(', '));

class RegistryAgreesFold implements Fold {
  #audited = false;
  readonly #nodes = new Map<string, Node>();
  /** Actors on the life that the record of the node is of. */
  readonly #placed = new Map<string, string[]>();

  observe(event: TraceEvent): Breach | undefined {
    const body = told(event);
    switch (body.type) {
      case 'audit.node':
        this.#nodes.set(body.member, body);
        return undefined;
      case 'audit.actor':
        return this.#actor(event, body);
      case 'audit.end':
        return body.complete ? this.#end(event, body.misplaced) : undefined;
      default:
        return undefined;
    }
  }

  #actor(event: TraceEvent, { actor, placement, lease, heldBy }: Actor): Breach | undefined {
    if (placement === null) {
      if (heldBy.length === 0) return undefined;
      return breachAt(event, `${actor} is in no node's list, for it is placed nowhere`, `it is in that of ${listed(heldBy)}`, heldBy);
    }
    const { node, nodeLife, token } = placement;
    if (heldBy.length !== 1 || heldBy[0] !== node) {
      return breachAt(event, `${actor}, placed on ${node}, is in its list and in no other`, `it is in that of ${listed(heldBy)}`, [node]);
    }
    if (lease === null || lease.holder !== node || lease.nodeLife !== nodeLife || lease.token !== token) {
      const seen = lease === null ? 'it has none' : `it is of life ${lease.nodeLife} of ${lease.holder}, with token ${lease.token}`;
      return breachAt(event, `the lease of ${actor} is of life ${nodeLife} of ${node}, where it is placed with token ${token}`, seen, [
        node,
      ]);
    }
    const record = this.#nodes.get(node);
    if (record === undefined || record.nodeLife < nodeLife) {
      const seen = record === undefined ? 'there is no record of it' : `its record is of life ${record.nodeLife}`;
      return breachAt(event, `${node}, where ${actor} is placed, was registered as life ${nodeLife}`, seen, [node]);
    }
    if (record.nodeLife === nodeLife) this.#placed.set(node, [...(this.#placed.get(node) ?? []), actor]);
    return undefined;
  }

  #end(event: TraceEvent, misplaced: readonly string[]): Breach | undefined {
    this.#audited = true;
    for (const { member, nodeLife, count } of this.#nodes.values()) {
      const placed = this.#placed.get(member) ?? [];
      if (count === placed.length) continue;
      const some = placed.length === 0 ? '' : `: ${placed.slice(0, 5).join(', ')}`;
      const expected = `life ${nodeLife} of ${member} counts the ${placed.length} actors that are placed on it${some}`;
      return breachAt(event, expected, `its record counts ${count}`, [member]);
    }
    const [key] = misplaced;
    return key === undefined
      ? undefined
      : breachAt(event, 'every key of the registry is one that the runtime writes, and whole', `there is ${key}`);
  }

  finish(): 'unknown' | undefined {
    return this.#audited ? undefined : 'unknown';
  }
}

export const registryAgrees: Invariant = {
  id: 'registry-agrees',
  promise:
    'The registry agrees with itself: each placement has its lease and its place in the list of its node, and each node counts its actors.',
  kind: 'always',
  hears: ['audit.node', 'audit.actor', 'audit.end'],
  start: () => new RegistryAgreesFold(),
};
