/**
 * Writes of the key-value space reach the store at once, each in a transaction of its own, while the state commits at the end. What
 * ends the invocation in between leaves keys behind that no state knows of.
 */
import { type InvocationKv, type MakeKv, NO_WRITES, StoreView } from '../../src/kelpie/kv.js';
import { writeKv } from '../../src/kelpie/commit.js';
import { inTransaction } from '../../src/kelpie/store.js';
import { kelpieBug } from './bug.js';

/** A key-value space whose every operation is over when it returns, made of one buffered space for each. */
const writingThrough =
  (buffered: MakeKv): MakeKv =>
  (runtime, held, _view, ended) => {
    const once = (): InvocationKv => buffered(runtime, held, new StoreView(runtime), ended);
    const through = async (write: (kv: InvocationKv) => Promise<void>): Promise<void> => {
      const kv = once();
      await write(kv);
      await inTransaction(runtime, `write of ${held.actor.key}`, async (transaction) => writeKv(transaction, held, kv.writes(), true));
    };
    return {
      get: (key) => once().get(key),
      has: (key) => once().has(key),
      list: (prefix, options) => once().list(prefix, options),
      range: (begin, end, options) => once().range(begin, end, options),
      set: (key, value) => through((kv) => kv.set(key, value)),
      delete: (key) => through((kv) => kv.delete(key)),
      clear: () => through((kv) => kv.clear()),
      writes: () => NO_WRITES,
    };
  };

export const kvWriteThrough = kelpieBug({
  id: 'kv-write-through',
  summary: 'writes of keys reach the store at once, the state commits later',
  spec: { module: 'KelpieActorState', config: 'WriteThrough' },
  parts: (correct) => ({ kv: writingThrough(correct.kv) }),
});
