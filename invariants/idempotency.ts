/** However often an operation is sent under its key, the log takes it once, and carries it out to one end. */
import type { TraceEvent } from '../src/trace.js';
import { judgingLogs, WAL_TYPES, type WalEntry, type WalLog } from './bookkeeping/wal-log.js';
import { type Breach, breachAt, type Invariant, told } from './invariant.js';

export const idempotency: Invariant = {
  id: 'idempotency',
  promise: 'An operation that is sent again under its idempotency key is not logged again: one key is one entry.',
  kind: 'always',
  spec: 'KelpieWAL!Idempotency',
  hears: WAL_TYPES,
  start: () => judgingLogs(judge),
};

function judge(event: TraceEvent, log: WalLog): Breach | undefined {
  const body = told(event);
  const known = body.type === 'wal.append' ? entryOfKey(log, body.key) : undefined;
  if (body.type !== 'wal.append' || known === undefined || mayBeGone(log, known)) return undefined;
  return breachAt(
    event,
    `the log of ${event.node} has one entry for key ${body.key}`,
    `entry ${known.id} and entry ${body.id} both have it`,
  );
}

function entryOfKey(log: WalLog, key: string): WalEntry | undefined {
  for (const entry of log.entries.values()) if (entry.key === key) return entry;
  return undefined;
}

/** Whether it may have been cleaned up by a process that died before it said so; then its key is free again. */
const mayBeGone = ({ gone, endedUntold }: WalLog, { status }: WalEntry): boolean => gone > 0 && (status !== 'pending' || endedUntold > 0);
