/** An idempotency key is looked up, and what it names is appended after a pause in which another request may do the same. */
import type { WalParts } from '../../src/kelpie/wal/wal.js';
import { kelpieBug } from './bug.js';

const lookThenAppend: WalParts['findOrAppend'] = async (log, request) => {
  const existing = log.find(request.key);
  if (existing !== undefined) await log.durable(existing);
  // The look-up was an asynchronous one once.
  await Promise.resolve();
  if (existing === undefined) return { entry: await log.append(request), existing: false };
  return { entry: log.find(request.key) ?? existing, existing: true };
};

export const walDuplicateKey = kelpieBug({
  id: 'wal-duplicate-key',
  summary: 'an idempotency key is looked up and appended in two steps',
  spec: { module: 'KelpieWAL', config: 'DuplicateIdempotency' },
  parts: ({ wal }) => ({ wal: { ...wal, findOrAppend: lookThenAppend } }),
});
