/** A node that comes back takes its record over as it was, and nobody tidies up: what a crashed life held stays, and stays counted. */
import { registryKeys } from '../../src/kelpie/keys.js';
import { nodeRecord } from '../../src/kelpie/records.js';
import { type RegisterNode, readNode } from '../../src/kelpie/registry.js';
import { inTransaction } from '../../src/kelpie/store.js';
import { kelpieBug } from './bug.js';

const registerAsItWas: RegisterNode = async (runtime, boot) => {
  const { node, config, teller } = runtime;
  const { capacity } = config;
  const { value: life, version } = await inTransaction(runtime, `registration of node ${node}`, async (transaction) => {
    const record = (await readNode(transaction, node)) ?? { node, life: 0, boot: '', status: 'active', capacity, count: 0 };
    if (record.boot === boot) return record.life;
    const next = record.life + 1;
    transaction.set(registryKeys.node(node), nodeRecord.encode({ ...record, life: next, boot, status: 'active', capacity }));
    return next;
  });
  teller.tell({ type: 'node.register', nodeLife: life, capacity, version });
  return life;
};

export const staleRegistry = kelpieBug({
  id: 'stale-registry',
  summary: "a crashed node's entries stay in the registry",
  spec: { module: 'KelpieRegistry', config: 'CapacityLeak' },
  parts: () => ({ register: registerAsItWas, sweep: () => Promise.resolve() }),
});
