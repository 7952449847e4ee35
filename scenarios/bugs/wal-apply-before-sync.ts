/** An operation is applied while its entry is on the way to the disk: a crash in between leaves an effect of which the log knows nothing. */
import type { WalParts } from '../../src/kelpie/wal/wal.js';
import { kelpieBug } from './bug.js';

const withoutWaiting =
  (findOrAppend: WalParts['findOrAppend']): WalParts['findOrAppend'] =>
  async (log, request) => {
    if (log.find(request.key) !== undefined) return findOrAppend(log, request);
    const appended = log.append(request);
    // That it failed shows at the mark of its end, which is written behind it, or never.
    appended.catch(() => {});
    // `append` adds to the index before it returns.
    return { entry: log.find(request.key) ?? (await appended), existing: false };
  };

export const walApplyBeforeSync = kelpieBug({
  id: 'wal-apply-before-sync',
  summary: 'an operation is applied before its entry is synced',
  spec: { module: 'KelpieWAL', config: 'ApplyBeforeSync' },
  parts: ({ wal }) => ({ wal: { ...wal, findOrAppend: withoutWaiting(wal.findOrAppend) } }),
});
