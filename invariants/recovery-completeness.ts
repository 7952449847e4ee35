/**
 * Replay takes up every pending entry that recovery found, in order, each when the one before has ended. It begins at once, and goes
 * on at once when an entry ends; only an operation that cannot be done for now makes it wait.
 */
import type { Micros } from '../src/ports.js';
import { lifeOf } from './bookkeeping/keyed.js';
import { breachAt, type Invariant, told } from './invariant.js';

interface Recovery {
  /** Entries that were pending. */
  readonly pending: number;
  /** Ids below this one were there at the recovery. */
  readonly nextId: number;
  readonly taken: Set<number>;
  readonly replayed: Set<number>;
  /** The next one is to be taken up from here on. */
  dueSince: Micros | undefined;
}

/** Nothing stands between the end of one entry and the next but what the process does at once. */
const AT_ONCE_MICROS: Micros = 1_000_000;

export const recoveryCompleteness: Invariant = {
  id: 'recovery-completeness',
  promise: 'After a restart every operation that was pending in the log is gone on with: replay leaves none out.',
  kind: 'always',
  spec: 'KelpieWAL!RecoveryCompleteness',
  hears: [
    'wal.recover',
    'wal.replay',
    'wal.end',
    'wal.append',
    'node.stop',
    'stop',
    'kill',
    'exit',
    'pause',
    'lease.renew',
    'checkpoint.save',
    'request.accept',
  ],
  start() {
    const recoveries = new Map<string, Recovery>();
    const overdue = (life: string, now: Micros): Recovery | undefined => {
      const recovery = recoveries.get(life);
      return recovery?.dueSince !== undefined && now - recovery.dueSince > AT_ONCE_MICROS ? recovery : undefined;
    };
    return {
      observe(event) {
        const body = told(event);
        const life = lifeOf(event);
        const recovery = recoveries.get(life);
        switch (body.type) {
          case 'wal.recover':
            recoveries.set(life, {
              pending: body.pending,
              nextId: body.nextId,
              taken: new Set(),
              replayed: new Set(),
              dueSince: body.pending > 0 ? event.at : undefined,
            });
            return undefined;
          case 'wal.replay':
            recovery?.taken.add(body.id);
            recovery?.replayed.add(body.id);
            if (recovery !== undefined) recovery.dueSince = undefined;
            return undefined;
          case 'wal.end':
            if (recovery === undefined || body.id >= recovery.nextId) return undefined;
            recovery.taken.add(body.id);
            if (recovery.replayed.has(body.id) && recovery.taken.size < recovery.pending) recovery.dueSince ??= event.at;
            return undefined;
          case 'node.stop':
          case 'stop':
          case 'kill':
          case 'exit':
          case 'pause':
            recoveries.delete(life);
            return undefined;
          default: {
            const late = overdue(life, event.at);
            if (late === undefined) return undefined;
            const expected = `replay on ${life} takes up all ${late.pending} entries that were pending, one after the other`;
            return breachAt(event, expected, `${late.taken.size} were taken up, and nothing since ${late.dueSince} us`);
          }
        }
      },
    };
  },
};
