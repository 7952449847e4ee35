/** A commit whose answer is lost is reported as failed, and memory goes back to the state before it, although it may have been applied. */
import { KelpieError } from '../../src/kelpie/errors.js';
import { kelpieBug } from './bug.js';

export const unknownCommitAsFailure = kelpieBug({
  id: 'unknown-commit-as-failure',
  summary: 'a commit that may have happened is reported as failed, and memory rolls back',
  spec: { module: 'KelpieActorState', config: 'UnknownAsFailure' },
  parts: ({ commit }) => ({
    async commit(runtime, transaction, plan) {
      const result = await commit(runtime, transaction, plan);
      if (result.kind !== 'unknown') return result;
      throw new KelpieError('store-unavailable', `commit ${plan.commit} of ${plan.held.actor.key} failed: ${result.error.message}`);
    },
  }),
});
