/** The known-bug corpus. A file that is missing here fails a test. */
import type { KnownBug } from './bug.js';
import { kvWriteThrough } from './kv-write-through.js';
import { racyClaim } from './racy-claim.js';

export type { KnownBug };

export const bugs: readonly KnownBug[] = [kvWriteThrough, racyClaim];
