/** A commit is applied piece by piece: the state first, then key after key, each when the one before is done. */
import type { CommitWrites } from '../../src/kelpie/commit.js';
import { writeKv } from '../../src/kelpie/commit.js';
import { NO_WRITES, type WriteSet } from '../../src/kelpie/kv.js';
import { inTransaction } from '../../src/kelpie/store.js';
import { kelpieBug } from './bug.js';

/** The parts of a write set, in order. */
function* pieces({ cleared, entries }: WriteSet): Generator<WriteSet> {
  if (cleared) yield { ...NO_WRITES, cleared };
  for (const [key, value] of entries) yield { cleared: false, entries: new Map([[key, value]]), bytes: value?.bytes ?? 0 };
}

const pieceByPiece =
  (commit: CommitWrites): CommitWrites =>
  async (runtime, transaction, plan) => {
    const result = await commit(runtime, transaction, { ...plan, writes: NO_WRITES });
    if (result.kind !== 'done') return result;
    for (const piece of pieces(plan.writes)) {
      await inTransaction(runtime, `commit of ${plan.held.actor.key}`, async (next) => writeKv(next, plan.held, piece, true));
    }
    return result;
  };

export const nonAtomicMemoryTxn = kelpieBug({
  id: 'non-atomic-memory-txn',
  summary: 'a commit is applied key by key',
  spec: { module: 'KelpieFDBTransaction', config: 'SplitCommit' },
  parts: ({ commit }) => ({ commit: pieceByPiece(commit) }),
});
