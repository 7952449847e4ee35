/** Lists and ranges are read in a transaction of their own: they miss what the invocation has written and deleted itself. */
import { type MakeKv, StoreView } from '../../src/kelpie/kv.js';
import { kelpieBug } from './bug.js';

const listingTheStore =
  (buffered: MakeKv): MakeKv =>
  (runtime, held, view, ended) => {
    const kv = buffered(runtime, held, view, ended);
    const stored = () => buffered(runtime, held, new StoreView(runtime), ended);
    return {
      get: (key) => kv.get(key),
      has: (key) => kv.has(key),
      list: (prefix, options) => stored().list(prefix, options),
      range: (begin, end, options) => stored().range(begin, end, options),
      set: (key, value) => kv.set(key, value),
      delete: (key) => kv.delete(key),
      clear: () => kv.clear(),
      writes: () => kv.writes(),
    };
  };

export const phantomList = kelpieBug({
  id: 'phantom-list',
  summary: 'lists are read outside of the transaction and miss its own writes and deletes',
  spec: { module: 'KelpieFDBTransaction', config: 'ReadPastBuffer' },
  parts: ({ kv }) => ({ kv: listingTheStore(kv) }),
});
