/** An actor goes for idleness only when nobody has called it for its idle time, by true time, as far as clocks may differ from it. */
import { actorOf, within } from './bookkeeping/keyed.js';
import { breachAt, type Invariant, told } from './invariant.js';

interface Quiet {
  /** Names the activation. */
  readonly token: number;
  sinceMicros: number;
  running: string | undefined;
}

/** Clocks run at most one part in this many fast. */
const CLOCKS_DIFFER_ONE_IN = 100;
/** Timers of some machines fire this much early. */
const TIMER_GRAIN_MICROS = 1_000;

export const idleTimeoutRespected: Invariant = {
  id: 'idle-timeout-respected',
  promise: 'An actor is deactivated for idleness only after its idle time without a call, and never with a call that waits or runs.',
  kind: 'always',
  spec: 'KelpieActorLifecycle!IdleTimeoutRespected',
  hears: ['activate.done', 'invoke.start', 'invoke.end', 'deactivate.start'],
  start() {
    const actors = new Map<string, Quiet>();
    return {
      observe(event) {
        const body = told(event);
        const actor = actorOf(body);
        if (actor === undefined) return undefined;
        const place = within(event, actor);
        const quiet = actors.get(place);
        switch (body.type) {
          case 'activate.done':
            actors.set(place, { token: body.token, sinceMicros: event.at, running: undefined });
            return undefined;
          case 'invoke.start':
            if (quiet !== undefined) quiet.running = body.request;
            return undefined;
          case 'invoke.end':
            // One of an activation before this one may end late.
            if (quiet?.token === body.token) Object.assign(quiet, { running: undefined, sinceMicros: event.at });
            return undefined;
          case 'deactivate.start': {
            const { idleMicros = null } = body;
            if (body.reason !== 'idle' || idleMicros === null || quiet === undefined) return undefined;
            const { sinceMicros, running } = quiet;
            const least = idleMicros - Math.ceil(idleMicros / CLOCKS_DIFFER_ONE_IN) - TIMER_GRAIN_MICROS;
            const expected = `${body.actor} goes for idleness when nobody has called it for ${idleMicros} us`;
            if (running !== undefined || body.pending > 0) {
              return breachAt(event, expected, running === undefined ? `${body.pending} calls wait for it` : `${running} runs`);
            }
            const passed = event.at - sinceMicros;
            return passed >= least ? undefined : breachAt(event, expected, `${passed} us have passed since the last call`);
          }
          default:
            return undefined;
        }
      },
    };
  },
};
