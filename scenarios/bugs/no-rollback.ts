/** What a failed invocation did to the state stays in memory, and whatever saves the state next saves that too. */
import { kelpieBug } from './bug.js';

export const noRollback = kelpieBug({
  id: 'no-rollback',
  summary: 'a failed commit leaves the changed state in memory',
  spec: { module: 'KelpieActorState', config: 'NoRollback' },
  parts: () => ({ rollback: () => {} }),
});
