/** The source has stopped the actor before the target may start it, and the target starts it under a newer token than the source's. */
import { breachAt, type Invariant, told } from './invariant.js';

export const singleActivationDuringMigration: Invariant = {
  id: 'single-activation-during-migration',
  promise: 'During a migration an actor is active on one node at most: the source has stopped it before the target starts it.',
  kind: 'always',
  spec: 'KelpieMigration!SingleActivationDuringMigration',
  hears: ['migrate.stop', 'migrate.start', 'invoke.start', 'activate.load'],
  start() {
    /** Tokens under which an actor was stopped to be moved, by migration and by actor. */
    const stopped = new Map<string, number>();
    const over = new Map<string, Set<number>>();
    /** What each actor's target must exceed. */
    const started = new Map<string, { readonly token: number; readonly node: string }>();
    return {
      observe(event) {
        const body = told(event);
        switch (body.type) {
          case 'migrate.stop':
            stopped.set(body.migration, body.token);
            over.set(body.actor, (over.get(body.actor) ?? new Set()).add(body.token));
            return undefined;
          case 'migrate.start': {
            const token = stopped.get(body.migration);
            if (token === undefined) {
              return breachAt(
                event,
                `${event.node} starts ${body.actor} when the source of ${body.migration} has stopped it`,
                'it has not',
              );
            }
            started.set(body.actor, { token, node: event.node });
            return undefined;
          }
          case 'activate.load': {
            const target = started.get(body.actor);
            if (target === undefined || target.node !== event.node || body.token > target.token) return undefined;
            return breachAt(
              event,
              `${event.node} starts ${body.actor} under a token above ${target.token}, the source's`,
              `it loads it under token ${body.token}`,
            );
          }
          case 'invoke.start': {
            if (over.get(body.actor)?.has(body.token) !== true) return undefined;
            const expected = `nobody serves ${body.actor} under token ${body.token} after it was stopped to be moved`;
            return breachAt(event, expected, `${event.node} begins ${body.operation} under it`);
          }
          default:
            return undefined;
        }
      },
    };
  },
};
