/** An invocation runs in an actor that is up: after it was loaded and came up, before it has gone, one at a time. */
import { entryOf, within } from './bookkeeping/keyed.js';
import { breachAt, type Invariant, told } from './invariant.js';

interface Activation {
  phase: 'loading' | 'up' | 'gone';
  running: string | undefined;
}

export const lifecycleOrdering: Invariant = {
  id: 'lifecycle-ordering',
  promise: 'An actor serves one call at a time, and only while it is up: never before it has come up, and never after it has gone.',
  kind: 'always',
  spec: 'KelpieActorLifecycle!LifecycleOrdering',
  hears: ['activate.load', 'activate.done', 'activate.drop', 'deactivate.done', 'invoke.start', 'invoke.end'],
  start() {
    const activations = new Map<string, Activation>();
    /** The activation that each running request is in. */
    const running = new Map<string, Activation>();
    return {
      observe(event) {
        const body = told(event);
        switch (body.type) {
          case 'activate.load':
            activations.set(within(event, body.actor, body.token), { phase: 'loading', running: undefined });
            return undefined;
          case 'activate.done': {
            const activation = activations.get(within(event, body.actor, body.token));
            if (activation?.phase === 'loading') {
              activation.phase = 'up';
              return undefined;
            }
            return breachAt(
              event,
              `${body.actor} comes up after it was loaded`,
              `it is up, and was ${activation?.phase ?? 'never loaded'}`,
            );
          }
          case 'activate.drop':
          case 'deactivate.done': {
            const activation = activations.get(within(event, body.actor, body.token));
            if (activation !== undefined) activation.phase = 'gone';
            return undefined;
          }
          case 'invoke.start': {
            const { actor, token, request } = body;
            const activation = entryOf(activations, within(event, actor, token), (): Activation => ({ phase: 'gone', running: undefined }));
            const other = activation.running !== undefined && activation.running !== request ? activation.running : undefined;
            if (activation.phase === 'up' && other === undefined) {
              activation.running = request;
              running.set(within(event, actor, request), activation);
              return undefined;
            }
            const state = other === undefined ? activation.phase : `serving ${other}`;
            return breachAt(event, `${actor} serves ${request} while it is up and serves no other call`, `it is ${state} (token ${token})`);
          }
          case 'invoke.end': {
            const activation = running.get(within(event, body.actor, body.request));
            if (activation?.running === body.request) activation.running = undefined;
            return undefined;
          }
          default:
            return undefined;
        }
      },
    };
  },
};
