/** Everything that a commit rests on, values and fence, is read at snapshot isolation: what changes meanwhile makes no conflict. */
import { readFence } from '../../src/kelpie/commit.js';
import { kelpieBug } from './bug.js';

export const lostUpdate = kelpieBug({
  id: 'lost-update',
  summary: 'what a commit rests on is read without a conflict',
  spec: { module: 'KelpieFDBTransaction', config: 'NoConflictCheck' },
  parts: () => ({
    readValue: (transaction, key) => transaction.snapshot.get(key),
    fence: (transaction, held) => readFence(transaction.snapshot, held),
  }),
});
