/**
 * The writes that wait for a commit belong to the activation, and only a commit empties them: what a failed invocation has written stays,
 * and goes into the store with whatever the next one commits. Reads look through the writes of their own invocation alone.
 */
import type { CommitWrites } from '../../src/kelpie/commit.js';
import { type InvocationKv, type MakeKv, NO_WRITES, type WriteSet } from '../../src/kelpie/kv.js';
import type { HeldClaim } from '../../src/kelpie/registry.js';
import type { Sealed } from '../../src/kelpie/sealed.js';
import { kelpieBug } from './bug.js';

/** The space of the last invocation of each activation that has written since its last commit, or may have. */
const uncommitted = new WeakMap<HeldClaim, InvocationKv>();

/** Bytes of a key beside its value, counted as the buffer counts them. */
const keyBytes = (key: string): number => key.length * 3;

const bytesOf = (entries: WriteSet['entries']): number =>
  [...entries].reduce((sum, [key, sealed]) => sum + keyBytes(key) + (sealed?.bytes ?? 0), 0);

function together(left: WriteSet, own: WriteSet): WriteSet {
  if (own.cleared) return own;
  const entries: ReadonlyMap<string, Sealed | null> = new Map([...left.entries, ...own.entries]);
  return { cleared: left.cleared, entries, bytes: bytesOf(entries) };
}

const overWhatWasLeft =
  (buffered: MakeKv): MakeKv =>
  (runtime, held, view, ended) => {
    const left = uncommitted.get(held)?.writes() ?? NO_WRITES;
    const own = buffered(runtime, held, view, ended);
    const kept: InvocationKv = {
      get: (key) => own.get(key),
      has: (key) => own.has(key),
      list: (prefix, options) => own.list(prefix, options),
      range: (begin, end, options) => own.range(begin, end, options),
      set: (key, value) => own.set(key, value),
      delete: (key) => own.delete(key),
      clear: () => own.clear(),
      writes: () => together(left, own.writes()),
    };
    uncommitted.set(held, kept);
    return kept;
  };

const emptying =
  (commit: CommitWrites): CommitWrites =>
  async (runtime, transaction, plan) => {
    const result = await commit(runtime, transaction, plan);
    // What may be in the store is not written again.
    if (result.kind === 'done' || result.kind === 'unknown') uncommitted.delete(plan.held);
    return result;
  };

export const keptBuffer = kelpieBug({
  id: 'kept-buffer',
  summary: 'keys that a failed invocation has written stay in the buffer, and the next commit takes them along',
  spec: { module: 'KelpieActorState', config: 'KeptBuffer' },
  parts: ({ kv, commit }) => ({ kv: overWhatWasLeft(kv), commit: emptying(commit) }),
});
