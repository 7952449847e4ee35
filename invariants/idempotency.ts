/** However often an operation is sent under its key, the log takes it once, and carries it out to one end. */
import { WAL_TYPES, WalLogs } from './bookkeeping/wal-log.js';
import { breachAt, type Invariant, told } from './invariant.js';

export const idempotency: Invariant = {
  id: 'idempotency',
  promise: 'An operation that is sent again under its idempotency key is not logged again: one key is one entry.',
  kind: 'always',
  spec: 'KelpieWAL!Idempotency',
  hears: WAL_TYPES,
  start() {
    const logs = new WalLogs();
    return {
      observe(event) {
        const body = told(event);
        const entries = [...(logs.before(event)?.entries.values() ?? [])];
        logs.take(event);
        const known = body.type === 'wal.append' ? entries.find(({ key }) => key === body.key) : undefined;
        if (body.type !== 'wal.append' || known === undefined) return undefined;
        return breachAt(
          event,
          `the log of ${event.node} has one entry for key ${body.key}`,
          `entry ${known.id} and entry ${body.id} both have it`,
        );
      },
    };
  },
};
