/** Ids are counted from 1 in every life of the process, over those that the log holds already. */
import { kelpieBug } from './bug.js';

export const walReusedId = kelpieBug({
  id: 'wal-reused-id',
  summary: 'the id counter restarts after a crash',
  spec: { module: 'KelpieWAL', config: 'ReusedId' },
  parts: ({ wal }) => ({ wal: { ...wal, firstId: () => 1 } }),
});
