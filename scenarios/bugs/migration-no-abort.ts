/** A migration that fails before the move just ends: its actor is stopped here and not started there, and its lease goes on. */
import { kelpieBug } from './bug.js';

export const migrationNoAbort = kelpieBug({
  id: 'migration-no-abort',
  summary: 'a failed migration leaves the actor nowhere',
  spec: { module: 'KelpieMigration', config: 'NoAbort' },
  parts: ({ migrate }) => ({ migrate: (steps) => migrate({ ...steps, abort: () => {} }) }),
});
