/** The one step of a migration that counts: placement, lease, index and counts of both nodes change hands in one transaction. */
import type { Micros, NodeId } from '../../ports.js';
import { KelpieError } from '../errors.js';
import { registryKeys } from '../keys.js';
import { leaseRecord, nodeRecord, placementRecord } from '../records.js';
import { HELD_MARK, type HeldClaim, readNode } from '../registry.js';
import type { Runtime } from '../runtime.js';
import { inTransaction } from '../store.js';

/** What the target said when it agreed. */
export interface MoveTarget {
  readonly node: NodeId;
  readonly life: number;
  /** Names the claim that the move writes for it. */
  readonly claim: string;
  /** Length of its leases. */
  readonly leaseMicros: Micros;
}

export interface Moved {
  /** The target's fencing token. */
  readonly token: number;
  /** -1 when the answer was lost and a later read found it applied. */
  readonly version: number;
}

/**
 * Moves a claim of this node to the target. The source's actor is stopped, and the target knows of the move since before it: it counts
 * its lease from then. Errors: `lease-lost`, `node-unavailable`, `overloaded`: nothing was moved; `store-unavailable`: it may have been.
 */
export type MovePlacement = (runtime: Runtime, held: HeldClaim, target: MoveTarget) => Promise<Moved>;

export const movePlacement: MovePlacement = async (runtime, held, target) => {
  const { keys, actor } = held;
  const { value: token, version } = await inTransaction(runtime, `move of ${actor.key} to ${target.node}`, async (transaction) => {
    const [stored, storedLease, source, destination] = await Promise.all([
      transaction.get(keys.placement),
      transaction.get(keys.lease),
      readNode(transaction, runtime.node),
      readNode(transaction, target.node),
    ]);
    const placement = placementRecord.decode(stored, actor.key);
    const lease = leaseRecord.decode(storedLease, actor.key);
    if (placement?.claim === target.claim) return placement.generation;
    if (placement?.claim !== held.claim || lease === undefined) {
      throw new KelpieError('lease-lost', `${actor.key} is held by another claim than that of ${runtime.node} that was to be moved`);
    }
    if (destination?.life !== target.life || destination.status !== 'active') {
      throw new KelpieError('node-unavailable', `life ${target.life} of node ${target.node}, which agreed to take ${actor.key}, is over`);
    }
    if (destination.count >= destination.capacity) {
      throw new KelpieError('overloaded', `node ${target.node} holds as many actors as it may`);
    }
    const next = lease.token + 1;
    const acquired = runtime.platform.clock.wallMicros();
    transaction.set(
      keys.placement,
      placementRecord.encode({ node: target.node, life: target.life, claim: target.claim, generation: next }),
    );
    transaction.set(
      keys.lease,
      leaseRecord.encode({
        holder: target.node,
        life: target.life,
        token: next,
        version: 1,
        micros: target.leaseMicros,
        acquired,
        expires: acquired + target.leaseMicros,
      }),
    );
    transaction.clear(registryKeys.held(runtime.node, actor.key));
    transaction.set(registryKeys.held(target.node, actor.key), HELD_MARK);
    transaction.set(registryKeys.node(target.node), nodeRecord.encode({ ...destination, count: destination.count + 1 }));
    if (source?.life === placement.life) {
      transaction.set(registryKeys.node(runtime.node), nodeRecord.encode({ ...source, count: source.count - 1 }));
    }
    return next;
  });
  return { token, version };
};
