/** Entries of working memory that have expired are gone for readers, and still take up room until somebody reads them. */
import { kelpieBug } from './bug.js';

export const expiredEntriesCapacity = kelpieBug({
  id: 'expired-entries-capacity',
  summary: 'expired entries of working memory still count against its capacity',
  parts: ({ memory }) => ({ memory: { ...memory, reclaim: () => Promise.resolve(0) } }),
});
