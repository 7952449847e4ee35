/** A failed member is queued for failover, and the queue is emptied without anything done to its actors. */
import { kelpieBug } from './bug.js';

export const failoverNoop = kelpieBug({
  id: 'failover-noop',
  summary: 'a failure is detected and its re-placement planned, but never executed',
  parts: () => ({ failOver: () => Promise.resolve({ waiting: 0 }) }),
});
