/** A batch counts as durable once it is written, before the disk has been asked to keep it. */
import { kelpieBug } from './bug.js';

export const walNoFsync = kelpieBug({
  id: 'wal-no-fsync',
  summary: 'an entry is acknowledged before it is synced',
  spec: { module: 'KelpieWAL', config: 'AckBeforeSync' },
  parts: ({ wal }) => ({ wal: { ...wal, makeDurable: () => Promise.resolve() } }),
});
