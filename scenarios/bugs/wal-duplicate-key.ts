/**
 * An idempotency key is looked up at once, and what it names is appended when those before it are written: the look-up needs no lock, an
 * append has to wait for the one of the log. Another request with the same key may look in vain meanwhile.
 */
import type { WalAppender, WalEntry, WalParts } from '../../src/kelpie/wal/wal.js';
import { kelpieBug } from './bug.js';

/** Who has the lock of each log, or waits for it last. */
const locked = new WeakMap<WalAppender, Promise<unknown>>();

const lookThenAppend: WalParts['findOrAppend'] = async (log, request) => {
  const existing = log.find(request.key);
  if (existing !== undefined) {
    await log.durable(existing);
    return { entry: log.find(request.key) ?? existing, existing: true };
  }
  const before = locked.get(log) ?? Promise.resolve();
  const appended = before.then((): Promise<WalEntry> => log.append(request));
  locked.set(
    log,
    appended.catch(() => undefined),
  );
  return { entry: await appended, existing: false };
};

export const walDuplicateKey = kelpieBug({
  id: 'wal-duplicate-key',
  summary: 'an idempotency key is looked up and appended in two steps',
  spec: { module: 'KelpieWAL', config: 'DuplicateIdempotency' },
  parts: ({ wal }) => ({ wal: { ...wal, findOrAppend: lookThenAppend } }),
});
