/** However many call one actor at once, no more of them wait on a node than it has said it would let wait. */
import type { TraceEvent } from '../src/trace.js';
import { type Breach, breachAt, type Fold, type Invariant, told } from './invariant.js';

const fold: Fold = {
  observe(event: TraceEvent): Breach | undefined {
    const body = told(event);
    if (body.type !== 'request.accept' || body.pending <= body.limit) return undefined;
    return breachAt(
      event,
      `at most ${body.limit} calls wait for ${body.actor} on ${event.node}`,
      `${body.request} is accepted as number ${body.pending}`,
    );
  },
};

export const pendingIsBounded: Invariant = {
  id: 'pending-is-bounded',
  promise: 'A node lets no more calls wait for one actor than its limit, however many come at the same moment; the others are refused.',
  kind: 'always',
  hears: ['request.accept'],
  start: () => fold,
};
