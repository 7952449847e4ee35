/** Queues have bounds, and keep them when many come at once: calls that wait for an actor, and calls that an actor makes. */
import { entryOf, within } from './bookkeeping/keyed.js';
import { breachAt, type Invariant, told } from './invariant.js';

/** Calls of one actor to others that may be under way at once, at most; and how deep calls may go. */
const CALLS_IN_FLIGHT_MAX = 10;
const CALL_DEPTH_MAX = 5;

export const boundedQueues: Invariant = {
  id: 'bounded-queues',
  promise: 'No queue grows beyond its bound: so many calls may wait for an actor, so many may it make at once, and so deep may they go.',
  kind: 'always',
  hears: ['request.accept', 'request.answer', 'call.start', 'call.end', 'activate.load'],
  start() {
    /** Calls that each life of a node has accepted for an actor and not answered. */
    const waiting = new Map<string, number>();
    /** Calls that each activation has under way. */
    const calling = new Map<string, number>();
    return {
      observe(event) {
        const body = told(event);
        switch (body.type) {
          case 'request.accept': {
            const place = within(event, body.actor);
            const count = (waiting.get(place) ?? 0) + 1;
            waiting.set(place, count);
            if (count <= body.limit) return undefined;
            return breachAt(event, `at most ${body.limit} calls wait for ${body.actor} on ${event.node}`, `${count} do`);
          }
          case 'request.answer': {
            const place = within(event, body.actor);
            waiting.set(place, Math.max(0, (waiting.get(place) ?? 0) - 1));
            return undefined;
          }
          case 'activate.load':
            calling.set(within(event, body.actor), 0);
            return undefined;
          case 'call.start': {
            const count = entryOf(calling, within(event, body.actor), () => 0) + 1;
            calling.set(within(event, body.actor), count);
            const most = Math.max(count, body.inFlight);
            if (most > CALLS_IN_FLIGHT_MAX)
              return breachAt(event, `${body.actor} has at most ${CALLS_IN_FLIGHT_MAX} calls under way`, `it has ${most}`);
            if (body.depth <= CALL_DEPTH_MAX) return undefined;
            return breachAt(
              event,
              `calls go at most ${CALL_DEPTH_MAX} deep`,
              `that of ${body.target} by ${body.actor} goes ${body.depth} deep`,
            );
          }
          case 'call.end':
            calling.set(within(event, body.actor), Math.max(0, (calling.get(within(event, body.actor)) ?? 0) - 1));
            return undefined;
          default:
            return undefined;
        }
      },
    };
  },
};
