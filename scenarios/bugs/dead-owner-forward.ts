/**
 * A call that its actor's owner does not answer is sent to that owner again, and again, instead of asking who holds the actor now. The
 * tries are counted, but nobody waits for so many.
 */
import { kelpieBug } from './bug.js';

const TRIES_MAX = 100;

export const deadOwnerForward = kelpieBug({
  id: 'dead-owner-forward',
  summary: 'calls are forwarded for ever to a node that is gone',
  parts: () => ({ afterFailedForward: ({ failed }) => (failed < TRIES_MAX ? 'same-node' : 'give-up') }),
});
