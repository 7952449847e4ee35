/**
 * Actors of a failed life, made free. The queue is in the database: written with the failure, emptied here, so that a new primary
 * goes on where the last one stopped. A claim of a failed life is cleared only when its lease has expired by the rule for every other
 * challenger (see `lease.ts`): the node may be alive behind a partition, and serves no longer than its lease. From then on whoever
 * is called first claims the actor at once. Commits of a zombie are refused because its placement is gone.
 */
import { KelpieError } from '../errors.js';
import type { ActorKey, ActorRef } from '../ids.js';
import { registryKeys } from '../keys.js';
import { type Lease, leaseRecord, nodeRecord, placementRecord } from '../records.js';
import { actorsPlacedOn, readNode } from '../registry.js';
import type { Runtime } from '../runtime.js';
import { inTransaction } from '../store.js';
import { changeView, type Failover, isPrimary, readCluster } from './members.js';

/** Whether the claim of a failed life may be cleared. Answers for how long its lease has stood still, undefined when it may not. */
export type MayReplace = (runtime: Runtime, actor: ActorKey, lease: Lease) => number | undefined;

export const mayReplace: MayReplace = (runtime, actor, lease) => runtime.judge.expired(actor, lease);

/** One pass over the actors of a failed life; `waiting` counts those that cannot be freed yet. Errors: `store-unavailable`. */
export type FailOver = (runtime: Runtime, term: number, failover: Failover) => Promise<{ readonly waiting: number }>;

/** Actors that one transaction looks at. */
const PAGE = 100;

export const failOver: FailOver = async (runtime, term, failover) => {
  let waiting = 0;
  let after: ActorKey | undefined;
  for (;;) {
    const actors = await actorsPlacedOn(runtime, failover.node, PAGE, after);
    const last = actors[actors.length - 1];
    if (last === undefined) return { waiting };
    waiting += await freeActors(runtime, term, failover, actors);
    after = last.key;
  }
};

interface Freed {
  readonly actor: ActorKey;
  readonly token: number;
  /** An earlier try did it, whose answer was lost. */
  readonly before: boolean;
}

/** Answers how many must wait. */
async function freeActors(runtime: Runtime, term: number, failover: Failover, actors: readonly ActorRef[]): Promise<number> {
  /** The version that an earlier try of this transaction gave the lease of each actor. */
  const tried = new Map<ActorKey, number>();
  const { value, version } = await inTransaction(runtime, `failover of ${failover.node}`, async (transaction) => {
    const [cluster, record, ...placed] = await Promise.all([
      readCluster(transaction),
      readNode(transaction, failover.node),
      ...actors.map(async ({ key }) => {
        const [placement, lease] = await Promise.all([
          transaction.get(registryKeys.placement(key)),
          transaction.get(registryKeys.lease(key)),
        ]);
        try {
          return { key, placement: placementRecord.decode(placement, key), lease: leaseRecord.decode(lease, key) };
        } catch (error) {
          // A damaged record is left as it is for those who call the actor to be told; it must not hold up the others.
          if (KelpieError.from(error).code !== 'corrupted') throw error;
          return { key, placement: undefined, lease: undefined };
        }
      }),
    ]);
    const freed: Freed[] = [];
    if (cluster.primary !== runtime.node || cluster.primaryLife !== runtime.life || cluster.term !== term) return { freed, waiting: 0 };
    let waiting = 0;
    let counted = 0;
    for (const { key, placement, lease } of placed) {
      if (placement === undefined && lease?.holder === '' && lease.version === tried.get(key)) {
        freed.push({ actor: key, token: lease.token, before: true });
        continue;
      }
      // A later life of the node holds it rightly.
      if (placement?.node !== failover.node || placement.life > failover.life || lease === undefined) continue;
      if (runtime.parts.mayReplace(runtime, key, lease) === undefined) {
        waiting += 1;
        continue;
      }
      tried.set(key, lease.version + 1);
      runtime.teller.tell({ type: 'failover.free', actor: key, member: failover.node, nodeLife: failover.life, token: lease.token });
      transaction.clear(registryKeys.placement(key));
      transaction.clear(registryKeys.held(failover.node, key));
      transaction.set(registryKeys.lease(key), leaseRecord.encode({ ...lease, holder: '', version: lease.version + 1 }));
      if (record?.life === placement.life) counted += 1;
      freed.push({ actor: key, token: lease.token, before: false });
    }
    if (record !== undefined && counted > 0) {
      transaction.set(registryKeys.node(failover.node), nodeRecord.encode({ ...record, count: record.count - counted }));
    }
    return { freed, waiting };
  });
  for (const { actor, token, before } of value.freed) {
    runtime.judge.forget(actor);
    runtime.teller.count('failovers');
    const told = { actor, member: failover.node, nodeLife: failover.life, token, version: before ? -1 : version };
    runtime.teller.tell({ type: 'failover.actor', ...told });
  }
  return value.waiting;
}

/** Takes a failed life off the queue, once nothing waits there. Errors: `store-unavailable`, `corrupted`. */
export async function endFailover(runtime: Runtime, change: string, term: number, { node, life }: Failover): Promise<void> {
  const { decision, version } = await changeView(runtime, `end of the failover of ${node}`, change, (view) => {
    const queued = view.failovers.some((entry) => entry.node === node && entry.life === life);
    return queued && view.cluster.term === term && isPrimary(view, runtime.node, runtime.life) ? { unqueue: node } : null;
  });
  if (decision !== null) runtime.teller.tell({ type: 'failover.done', member: node, nodeLife: life, term, version });
}
