/** A heartbeat shows that its node is alive, so whoever hears one marks the node as active, also when it was failed over meanwhile. */
import type { HearLate } from '../../src/kelpie/membership/membership-parts.js';
import { registryKeys } from '../../src/kelpie/keys.js';
import { nodeRecord } from '../../src/kelpie/records.js';
import { readNode } from '../../src/kelpie/registry.js';
import { inTransaction } from '../../src/kelpie/store.js';
import { kelpieBug } from './bug.js';

const revive: HearLate = async (runtime, _, { node, life }) => {
  await inTransaction(runtime, `heartbeat of ${node}`, async (transaction) => {
    const record = await readNode(transaction, node);
    if (record?.life === life) transaction.set(registryKeys.node(node), nodeRecord.encode({ ...record, status: 'active' }));
  });
};

export const racyHeartbeat = kelpieBug({
  id: 'racy-heartbeat',
  summary: 'a late heartbeat revives a node that was failed over',
  spec: { module: 'KelpieRegistry', config: 'RacyHeartbeat' },
  parts: () => ({ hearLate: revive }),
});
