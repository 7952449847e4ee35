/** The committing transaction takes the state and forgets the keys that the invocation has written. */
import { NO_WRITES } from '../../src/kelpie/kv.js';
import { kelpieBug } from './bug.js';

export const stateOnlyCommit = kelpieBug({
  id: 'state-only-commit',
  summary: 'a commit saves the state and drops the buffered keys',
  spec: { module: 'KelpieActorState', config: 'StateOnlyCommit' },
  parts: ({ commit }) => ({
    commit: (runtime, transaction, plan) => commit(runtime, transaction, { ...plan, writes: NO_WRITES }),
  }),
});
