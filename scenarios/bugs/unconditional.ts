/**
 * Commits that take effect whatever has happened since: the transaction in which they are made keeps no read of its own in its conflict set.
 * Two known bugs have that. The head of the actor, which every commit otherwise rests on, would refuse most of what the fence refuses.
 */
import type { CommitWrites } from '../../src/kelpie/commit.js';
import type { Transaction } from '../../src/ports.js';

/** The same transaction, whose reads from now on are those of a snapshot. */
const withoutConflicts = (transaction: Transaction): Transaction =>
  new Proxy(transaction, {
    get(target, name) {
      if (name === 'addReadConflictRange') return () => {};
      if (name === 'get' || name === 'getRange' || name === 'getKey') return Reflect.get(target.snapshot, name).bind(target.snapshot);
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });

export const unconditional =
  (commit: CommitWrites): CommitWrites =>
  (runtime, transaction, plan) =>
    commit(runtime, withoutConflicts(transaction), plan);
