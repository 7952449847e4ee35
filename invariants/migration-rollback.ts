/**
 * No actor stays stopped for a migration that is over. Before the move every failure takes it back: the source brings it up again, or
 * gives the claim back. After the move there is no way back. What is stopped when all has been healed must be young, or its node gone.
 */
import type { Micros } from '../src/ports.js';
import type { TraceEvent } from '../src/trace.js';
import { within } from './bookkeeping/keyed.js';
import { endsLife, Settling, SETTLING_TYPES } from './bookkeeping/settling.js';
import { type Breach, breachAt, type Invariant, told } from './invariant.js';

interface Stopped {
  readonly actor: string;
  event: TraceEvent;
  state: 'under way' | 'aborted';
}

/** How long a step of a migration, or bringing an actor up again, may take when nothing fails: longer than any time-out of them. */
const SETTLED_MICROS: Micros = 60_000_000;

export const migrationRollback: Invariant = {
  id: 'migration-rollback',
  promise: 'A migration that fails before the move leaves the actor at its source, and one that has moved it is not taken back.',
  kind: 'always',
  spec: 'KelpieMigration!MigrationRollback',
  hears: [
    'migrate.stop',
    'migrate.move',
    'migrate.abort',
    'migrate.redirect',
    'activate.start',
    'activate.drop',
    'claim.release',
    'claim.release-void',
    'claim.release-fail',
    'request.accept',
    ...SETTLING_TYPES,
  ],
  start() {
    const moved = new Set<string>();
    /** Actors that are stopped for a migration, by the life of their source. */
    const stopped = new Map<string, Stopped>();
    const settling = new Settling();
    /** Of an actor that is stopped for longer than that takes. */
    const overdue = (ageOf: (sinceMicros: Micros) => Micros): Breach | undefined => {
      for (const { actor, event, state } of stopped.values()) {
        if (ageOf(event.at) < SETTLED_MICROS) continue;
        return breachAt(event, `${actor} is brought up again, given back or moved`, `it is stopped for a migration that is ${state}`);
      }
      return undefined;
    };
    return {
      observe(event) {
        settling.observe(event);
        const body = told(event);
        if (endsLife(body)) {
          for (const place of stopped.keys()) if (place.startsWith(within(event))) stopped.delete(place);
          return undefined;
        }
        switch (body.type) {
          case 'request.accept':
            // Somebody waits, so the run may never come to its end.
            return overdue((sinceMicros) => settling.by(event.at, sinceMicros));
          case 'migrate.stop': {
            const place = within(event, body.actor);
            const left = stopped.get(place);
            stopped.set(place, { actor: body.actor, event, state: 'under way' });
            if (left?.state !== 'under way') return undefined;
            return breachAt(
              event,
              `${body.actor} is taken back or moved by who has stopped it`,
              'it is stopped still, for the next migration',
            );
          }
          case 'migrate.move':
            moved.add(body.migration);
            return undefined;
          case 'migrate.abort': {
            const one = stopped.get(within(event, body.actor));
            if (one !== undefined) Object.assign(one, { state: 'aborted', event });
            if (!moved.has(body.migration)) return undefined;
            return breachAt(event, `${body.migration}, which has moved ${body.actor}, goes on to its end`, `it is aborted (${body.code})`);
          }
          case 'activate.start':
          case 'claim.release':
          case 'claim.release-void':
          case 'claim.release-fail':
          case 'migrate.redirect':
          case 'activate.drop':
            stopped.delete(within(event, body.actor));
            return undefined;
          default:
            return undefined;
        }
      },
      finish() {
        return settling.ended ? overdue((sinceMicros) => settling.atEnd(sinceMicros)) : 'unknown';
      },
    };
  },
};
