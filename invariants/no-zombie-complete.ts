/** What a durable mark has ended never becomes pending again: no later life finds it so, and no replay takes it up. */
import { WAL_TYPES, WalLogs } from './bookkeeping/wal-log.js';
import { breachAt, type Invariant, told } from './invariant.js';

export const noZombieComplete: Invariant = {
  id: 'no-zombie-complete',
  promise: 'An operation that the log has ended durably never comes back to life: it is not pending again and not replayed.',
  kind: 'always',
  spec: 'KelpieWAL!NoZombieComplete',
  hears: WAL_TYPES,
  start() {
    const logs = new WalLogs();
    return {
      observe(event) {
        const body = told(event);
        const log = logs.before(event);
        logs.take(event);
        // Neither of them ends an entry, so what had ended before is what has ended now.
        if (log === undefined || (body.type !== 'wal.recover' && body.type !== 'wal.replay')) return undefined;
        const ended = [...log.entries.values()].filter(({ status }) => status !== 'pending');
        if (body.type === 'wal.recover' && body.entries >= log.entries.size && body.entries - body.pending < ended.length) {
          const expected = `at least ${ended.length} of the entries that ${event.node} finds have ended: their marks were told durable`;
          return breachAt(event, expected, `${body.pending} of ${body.entries} are pending`);
        }
        if (body.type !== 'wal.replay') return undefined;
        const entry = ended.find(({ id }) => id === body.id);
        if (entry === undefined) return undefined;
        return breachAt(
          event,
          `entry ${entry.id} (${entry.key}) of ${event.node}, which is ${entry.status}, is left alone`,
          'it is replayed',
        );
      },
    };
  },
};
