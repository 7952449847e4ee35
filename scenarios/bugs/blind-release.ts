/** A release does not compare the claim: one that comes late gives back what another node has claimed meanwhile. */
import { registryKeys } from '../../src/kelpie/keys.js';
import { leaseRecord, nodeRecord } from '../../src/kelpie/records.js';
import type { ReleaseActors } from '../../src/kelpie/registry.js';
import { inTransaction } from '../../src/kelpie/store.js';
import { kelpieBug } from './bug.js';

const releaseWithoutLooking: ReleaseActors = async (runtime, releases) => {
  const { value, version } = await inTransaction(runtime, `release of ${releases.length} actors`, async (transaction) => {
    const nodeKey = registryKeys.node(runtime.node);
    const record = nodeRecord.decode(await transaction.get(nodeKey), runtime.node);
    let count = record?.count ?? 0;
    const told: { readonly actor: string; readonly token: number; readonly count: number }[] = [];
    for (const { actor, keys } of releases) {
      const held = registryKeys.held(runtime.node, actor.key);
      const lease = leaseRecord.decode(await transaction.get(keys.lease), actor.key);
      // What this node does not hold any more is not counted any more.
      if ((await transaction.get(held)) !== undefined) count -= 1;
      transaction.clear(held);
      transaction.clear(keys.placement);
      if (lease !== undefined) transaction.set(keys.lease, leaseRecord.encode({ ...lease, holder: '', version: lease.version + 1 }));
      told.push({ actor: actor.key, token: lease?.token ?? 0, count });
    }
    if (record !== undefined && count !== record.count) transaction.set(nodeKey, nodeRecord.encode({ ...record, count }));
    return told;
  });
  for (const { actor, token, count } of value) runtime.teller.tell({ type: 'claim.release', actor, token, version, count });
};

export const blindRelease = kelpieBug({
  id: 'blind-release',
  summary: 'a release gives back the actor whoever holds it by now',
  spec: { module: 'KelpieSingleActivation', config: 'BlindRelease' },
  parts: () => ({ release: releaseWithoutLooking }),
});
