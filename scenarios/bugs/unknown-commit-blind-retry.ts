/**
 * A commit whose answer is lost counts as lost itself: the invocation runs again at once. Its outcome was looked for before the first
 * try, so the retry does not look for it again, and what was applied is applied twice.
 */
import type { OutcomeLog, ResolveCommit } from '../../src/kelpie/commit.js';
import type { RequestId } from '../../src/kelpie/ids.js';
import type { Runtime } from '../../src/kelpie/runtime.js';
import { kelpieBug } from './bug.js';

/** Requests that each node tries again. */
const retried = new WeakMap<Runtime, Set<RequestId>>();

const takenForLost: ResolveCommit = async (runtime, { request }) => {
  const requests = retried.get(runtime) ?? new Set();
  retried.set(runtime, requests);
  if (request !== null) requests.add(request);
  return 'lost';
};

const lookingOnce = (log: OutcomeLog): OutcomeLog => ({
  ...log,
  find: async (runtime, transaction, held, head, request) =>
    retried.get(runtime)?.has(request) === true ? undefined : log.find(runtime, transaction, held, head, request),
});

export const unknownCommitBlindRetry = kelpieBug({
  id: 'unknown-commit-blind-retry',
  summary: 'a commit that may have happened is tried again without looking',
  spec: { module: 'KelpieFDBTransaction', config: 'BlindRetry' },
  parts: ({ outcomes }) => ({ resolve: takenForLost, outcomes: lookingOnce(outcomes) }),
});
