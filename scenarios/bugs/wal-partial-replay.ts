/** Replay takes up the first pending entry and forgets the others. */
import { kelpieBug } from './bug.js';

export const walPartialReplay = kelpieBug({
  id: 'wal-partial-replay',
  summary: 'replay stops after the first entry',
  spec: { module: 'KelpieWAL', config: 'PartialRecovery' },
  parts: ({ wal }) => ({ wal: { ...wal, replay: (log, pending, perform) => wal.replay(log, pending.slice(0, 1), perform) } }),
});
