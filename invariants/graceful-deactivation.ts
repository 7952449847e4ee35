/** An actor that goes in order has served, or answered, every call that was waiting for it when it began to go. */
import { actorOf, within } from './bookkeeping/keyed.js';
import { type Breach, breachAt, type Invariant, told } from './invariant.js';

interface Leaving {
  readonly actor: string;
  readonly waiting: number;
  readonly settled: Set<string>;
  /** It was said to be over. */
  over: Breach | undefined;
}

export const gracefulDeactivation: Invariant = {
  id: 'graceful-deactivation',
  promise: 'An actor that is deactivated leaves no accepted call behind: those that wait are served first, and none runs on.',
  kind: 'always',
  spec: 'KelpieActorLifecycle!GracefulDeactivation',
  hears: ['deactivate.start', 'deactivate.done', 'activate.drop', 'invoke.start', 'invoke.end', 'request.duplicate', 'request.answer'],
  start() {
    const leaving = new Map<string, Leaving>();
    const running = new Map<string, string>();
    return {
      observe(event) {
        const body = told(event);
        const actor = actorOf(body);
        if (actor === undefined) return undefined;
        const place = within(event, actor);
        const departure = leaving.get(place);
        // What ended at the very end is told of a moment after it.
        if (departure?.over !== undefined && departure.over.atMicros < event.at) {
          leaving.delete(place);
          if (departure.settled.size < departure.waiting) return departure.over;
        }
        switch (body.type) {
          case 'invoke.start':
            running.set(place, body.request);
            return undefined;
          case 'invoke.end':
            if (running.get(place) === body.request) running.delete(place);
            departure?.settled.add(body.request);
            return undefined;
          case 'request.duplicate':
          case 'request.answer':
            departure?.settled.add(body.request);
            return undefined;
          case 'deactivate.start':
            leaving.set(place, { actor: body.actor, waiting: body.pending, settled: new Set(), over: undefined });
            return undefined;
          case 'activate.drop':
            leaving.delete(place);
            running.delete(place);
            return undefined;
          case 'deactivate.done': {
            const still = running.get(place);
            if (still !== undefined) return breachAt(event, `${body.actor} is gone when its calls have ended`, `${still} runs still`);
            if (departure === undefined || departure.settled.size >= departure.waiting) {
              leaving.delete(place);
              return undefined;
            }
            const seen = `it is gone, and ${departure.settled.size} have been`;
            departure.over = breachAt(event, `the ${departure.waiting} calls that waited for ${body.actor} are served or answered`, seen);
            return undefined;
          }
          default:
            return undefined;
        }
      },
      finish() {
        return [...leaving.values()].find(({ over, settled, waiting }) => over !== undefined && settled.size < waiting)?.over;
      },
    };
  },
};
