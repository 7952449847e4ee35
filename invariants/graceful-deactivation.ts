/**
 * An actor that goes in order has served, or answered, every call that was waiting for it when it began to go.
 *
 * A call whose forward brought no answer in time comes back to its node and may wait for the actor there. The answer of that forward
 * may come all the same: then nobody waits for the call any more, but it keeps its place until its turn or its deadline, and its deadline
 * passes silently. Such a call counts as answered. The caller of one that comes again and joins it does wait.
 */
import { actorOf, entryOf, within } from './bookkeeping/keyed.js';
import { type Breach, breachAt, type Invariant, told } from './invariant.js';

/** Calls whose forward brought no answer in time, by what became of them at this node. */
interface CameBack {
  /** They may wait for the actor here. */
  readonly open: Set<string>;
  /** Their forward has been answered since; they may keep their place here. */
  readonly answered: Set<string>;
}

interface Leaving {
  readonly waiting: number;
  /** With those that were answered before. */
  readonly settled: Set<string>;
  /** It was said to be over. */
  over: Breach | undefined;
}

const waitsNoMore = ({ open, answered }: CameBack, request: string): void => {
  open.delete(request);
  answered.delete(request);
};

export const gracefulDeactivation: Invariant = {
  id: 'graceful-deactivation',
  promise: 'An actor that is deactivated leaves no accepted call behind: those that wait are served first, and none runs on.',
  kind: 'always',
  spec: 'KelpieActorLifecycle!GracefulDeactivation',
  hears: [
    'deactivate.start',
    'deactivate.done',
    'activate.drop',
    'activate.fail',
    'invoke.start',
    'invoke.end',
    'request.duplicate',
    'request.answer',
    'forward',
    'forward.fail',
  ],
  start() {
    const leaving = new Map<string, Leaving>();
    const running = new Map<string, string>();
    const cameBack = new Map<string, CameBack>();
    return {
      observe(event) {
        const body = told(event);
        const actor = actorOf(body);
        if (actor === undefined) return undefined;
        const place = within(event, actor);
        const departure = leaving.get(place);
        const back = entryOf(cameBack, place, (): CameBack => ({ open: new Set(), answered: new Set() }));
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
            // One that ended with its actor comes back anew.
            if (body.outcome !== 'ended') waitsNoMore(back, body.request);
            return undefined;
          case 'request.duplicate':
            if (body.how === 'joined') {
              back.answered.delete(body.request);
              return undefined;
            }
            departure?.settled.add(body.request);
            waitsNoMore(back, body.request);
            return undefined;
          case 'request.answer':
            departure?.settled.add(body.request);
            if (back.open.delete(body.request) && body.outcome === 'ok') back.answered.add(body.request);
            return undefined;
          case 'forward':
            waitsNoMore(back, body.request);
            return undefined;
          case 'forward.fail':
            if (body.why === 'timeout') back.open.add(body.request);
            return undefined;
          case 'deactivate.start':
            leaving.set(place, { waiting: body.pending, settled: new Set(back.answered), over: undefined });
            return undefined;
          case 'activate.fail':
            back.answered.clear();
            return undefined;
          case 'activate.drop':
            leaving.delete(place);
            running.delete(place);
            back.answered.clear();
            return undefined;
          case 'deactivate.done': {
            back.answered.clear();
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
