/** Everything that a commit rests on, values, fence and head, is read at snapshot isolation: what changes meanwhile makes no conflict. */
import { kelpieBug } from './bug.js';
import { unconditional } from './unconditional.js';

export const lostUpdate = kelpieBug({
  id: 'lost-update',
  summary: 'what a commit rests on is read without a conflict',
  spec: { module: 'KelpieFDBTransaction', config: 'NoConflictCheck' },
  parts: ({ commit }) => ({ readValue: (transaction, key) => transaction.snapshot.get(key), commit: unconditional(commit) }),
});
