/**
 * A call that was accepted for an actor that is up and idle is taken up soon: whoever is to serve it is woken. A call that waits behind
 * another one waits for that; a process that is paused, or dead, wakes nobody.
 */
import type { Micros } from '../src/ports.js';
import type { TraceEvent } from '../src/trace.js';
import { actorOf, within } from './bookkeeping/keyed.js';
import { breachAt, type Invariant, told } from './invariant.js';

interface Actor {
  up: boolean;
  running: string | undefined;
  /** Calls that wait, with the time from which on nothing but a wake-up stands between them and the actor. */
  readonly waiting: Map<string, { event: TraceEvent; since: Micros | undefined }>;
}

/** Longer than looking for an earlier outcome of the request in the store takes when the store is at its slowest. */
const TAKEN_UP_MICROS: Micros = 10_000_000;

export const noLostWakeUp: Invariant = {
  id: 'no-lost-wake-up',
  promise: 'A call that waits for an actor which is up and idle is taken up soon: no wake-up is lost.',
  kind: 'always',
  hears: [
    'activate.done',
    'activate.drop',
    'deactivate.start',
    'invoke.start',
    'invoke.end',
    'request.accept',
    'request.duplicate',
    'request.answer',
    'forward',
    'pause',
    'resume',
    'kill',
    'exit',
    'lease.renew',
  ],
  start() {
    const lives = new Map<string, Map<string, Actor>>();
    return {
      observe(event) {
        const body = told(event);
        const life = within(event);
        let actors = lives.get(life);
        if (actors === undefined) {
          actors = new Map();
          lives.set(life, actors);
        }
        switch (body.type) {
          case 'pause':
          case 'kill':
          case 'exit':
            // What waited begins to wait anew when the process goes on.
            for (const { waiting } of actors.values()) for (const call of waiting.values()) call.since = undefined;
            return undefined;
          case 'resume':
            for (const { up, running, waiting } of actors.values()) {
              for (const call of waiting.values()) call.since = up && running === undefined ? event.at : undefined;
            }
            return undefined;
          default:
            break;
        }
        const name = actorOf(body);
        if (name === undefined) return undefined;
        let actor = actors.get(name);
        if (actor === undefined) {
          actor = { up: false, running: undefined, waiting: new Map() };
          actors.set(name, actor);
        }
        const restart = (since: Micros | undefined): void => {
          for (const call of actor.waiting.values()) call.since = since;
        };
        switch (body.type) {
          case 'activate.done':
            actor.up = true;
            actor.running = undefined;
            restart(event.at);
            return undefined;
          case 'activate.drop':
          case 'deactivate.start':
            actor.up = false;
            actor.running = undefined;
            restart(undefined);
            return undefined;
          case 'invoke.start':
            actor.running = body.request;
            actor.waiting.delete(body.request);
            restart(undefined);
            return undefined;
          case 'invoke.end':
            if (actor.running === body.request) actor.running = undefined;
            if (actor.up) restart(event.at);
            return undefined;
          case 'request.accept':
            actor.waiting.set(body.request, { event, since: actor.up && actor.running === undefined ? event.at : undefined });
            return undefined;
          case 'request.duplicate':
          case 'request.answer':
          case 'forward':
            actor.waiting.delete(body.request);
            return undefined;
          case 'lease.renew': {
            // A sign of life, now and then, at which to look around.
            for (const [request, { event: accepted, since }] of actor.waiting) {
              if (since === undefined || event.at - since <= TAKEN_UP_MICROS) continue;
              return breachAt(
                accepted,
                `${request} is taken up by ${name}, which is up and idle on ${event.node} since ${since} us`,
                `nothing has come of it by ${event.at} us`,
              );
            }
            return undefined;
          }
          default:
            return undefined;
        }
      },
    };
  },
};
