/** What was pending when the process ended is never performed. */
import { kelpieBug } from './bug.js';

export const walNoReplay = kelpieBug({
  id: 'wal-no-replay',
  summary: 'pending entries are never replayed at start',
  spec: { module: 'KelpieWAL', config: 'NoReplay' },
  parts: ({ wal }) => ({ wal: { ...wal, replay: () => Promise.resolve() } }),
});
