/** An entry that was told durable is there after every crash, until it is cleaned up. */
import { WAL_TYPES, WalLogs } from './bookkeeping/wal-log.js';
import { breachAt, type Invariant, told } from './invariant.js';

export const durability: Invariant = {
  id: 'durability',
  promise: 'What the write-ahead log has acknowledged is on the disk: after a crash every entry is found again.',
  kind: 'always',
  spec: 'KelpieWAL!Durability',
  hears: WAL_TYPES,
  start() {
    const logs = new WalLogs();
    return {
      observe(event) {
        const log = logs.before(event);
        logs.take(event);
        const body = told(event);
        if (log === undefined || body.type !== 'wal.recover' || body.entries >= log.entries.size) return undefined;
        // A process may die between cleaning up and saying so. What goes then has ended, and the newest entries stay.
        const ended = [...log.entries.values()].filter(({ status }) => status !== 'pending').length;
        if (log.entries.size - body.entries <= ended && body.nextId > log.newest) return undefined;
        return breachAt(
          event,
          `the log of ${event.node} holds the ${log.entries.size} entries that were told durable`,
          `${body.entries} are found`,
        );
      },
    };
  },
};
