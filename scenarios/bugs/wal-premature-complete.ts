/** An entry is marked complete and then applied: a crash in between leaves an operation that was never done and that no replay does. */
import type { WalParts } from '../../src/kelpie/wal/wal.js';
import { kelpieBug } from './bug.js';

const completeThenApply: WalParts['perform'] = async (log, entry, apply) => {
  const ended = await log.end(entry, 'complete', 'null');
  return { ...ended, result: await apply(entry) };
};

export const walPrematureComplete = kelpieBug({
  id: 'wal-premature-complete',
  summary: 'an entry is marked complete before it is applied',
  spec: { module: 'KelpieWAL', config: 'PrematureComplete' },
  parts: ({ wal }) => ({ wal: { ...wal, perform: completeThenApply } }),
});
