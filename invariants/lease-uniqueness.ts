/**
 * Only one node serves on a lease at a time. What a deposed holder writes is refused by the fence; what it answers from memory is
 * not, so an invocation that wrote nothing must not end well once another has begun under a newer token.
 */
import { within } from './bookkeeping/keyed.js';
import { breachAt, type Invariant, told } from './invariant.js';

export const leaseUniqueness: Invariant = {
  id: 'lease-uniqueness',
  promise: 'At most one node serves on the lease of an actor: a deposed holder answers nothing from what it remembers.',
  kind: 'always',
  spec: 'KelpieLease!LeaseUniqueness',
  hears: ['invoke.start', 'invoke.end', 'request.duplicate'],
  start() {
    /** The newest token under which an invocation has begun, and where. */
    const newest = new Map<string, { readonly token: number; readonly node: string }>();
    const running = new Map<string, { readonly token: number; stored: boolean }>();
    return {
      observe(event) {
        const body = told(event);
        switch (body.type) {
          case 'invoke.start': {
            const { actor, request, token } = body;
            running.set(within(event, actor, request), { token, stored: false });
            if ((newest.get(actor)?.token ?? 0) < token) newest.set(actor, { token, node: event.node });
            return undefined;
          }
          case 'request.duplicate': {
            // The answer comes from the store.
            const invocation = running.get(within(event, body.actor, body.request));
            if (invocation !== undefined && body.how === 'stored') invocation.stored = true;
            return undefined;
          }
          case 'invoke.end': {
            const { actor, request, outcome, commit } = body;
            const invocation = running.get(within(event, actor, request));
            running.delete(within(event, actor, request));
            const holder = newest.get(actor);
            if (invocation === undefined || holder === undefined || invocation.stored || outcome !== 'ok' || commit !== null)
              return undefined;
            if (holder.token <= invocation.token) return undefined;
            return breachAt(
              event,
              `only ${holder.node}, which serves ${actor} under token ${holder.token}, answers for it`,
              `${event.node} ends ${request} well under token ${invocation.token}, from memory`,
              [event.node, holder.node],
            );
          }
          default:
            return undefined;
        }
      },
    };
  },
};
