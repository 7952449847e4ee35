/** An entry that was told durable is there after every crash, until it is cleaned up. */
import type { TraceEvent } from '../src/trace.js';
import { endedCount, heldCount, judgingLogs, WAL_TYPES, type WalLog } from './bookkeeping/wal-log.js';
import { type Breach, breachAt, type Invariant, told } from './invariant.js';

export const durability: Invariant = {
  id: 'durability',
  promise: 'What the write-ahead log has acknowledged is on the disk: after a crash every entry is found again.',
  kind: 'always',
  spec: 'KelpieWAL!Durability',
  hears: WAL_TYPES,
  start: () => judgingLogs(judge),
};

function judge(event: TraceEvent, log: WalLog): Breach | undefined {
  const body = told(event);
  const held = heldCount(log);
  if (body.type !== 'wal.recover' || body.entries >= held) return undefined;
  // A process may die between cleaning up and saying so. What goes then has ended, and the newest entries stay.
  if (held - body.entries <= endedCount(log) && body.nextId > log.newest) return undefined;
  return breachAt(event, `the log of ${event.node} holds the ${held} entries that were told durable`, `${body.entries} are found`);
}
