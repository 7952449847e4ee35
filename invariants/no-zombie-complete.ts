/** What a durable mark has ended never becomes pending again: no later life finds it so, and no replay takes it up. */
import type { TraceEvent } from '../src/trace.js';
import { endedCount, heldCount, judgingLogs, toldEnded, WAL_TYPES, type WalLog } from './bookkeeping/wal-log.js';
import { type Breach, breachAt, type Invariant, told } from './invariant.js';

export const noZombieComplete: Invariant = {
  id: 'no-zombie-complete',
  promise: 'An operation that the log has ended durably never comes back to life: it is not pending again and not replayed.',
  kind: 'always',
  spec: 'KelpieWAL!NoZombieComplete',
  hears: WAL_TYPES,
  start: () => judgingLogs(judge),
};

function judge(event: TraceEvent, log: WalLog): Breach | undefined {
  const body = told(event);
  if (body.type !== 'wal.recover' && body.type !== 'wal.replay') return undefined;
  if (body.type === 'wal.replay') {
    const entry = toldEnded(log).find(({ id }) => id === body.id);
    if (entry === undefined) return undefined;
    return breachAt(event, `entry ${entry.id} (${entry.key}) of ${event.node}, which is ${entry.status}, is left alone`, 'it is replayed');
  }
  // What an earlier recovery has found ended was marked durably too, whether anybody could tell of it or not.
  const marked = endedCount(log);
  if (body.entries < heldCount(log) || body.entries - body.pending >= marked) return undefined;
  const expected = `at least ${marked} of the entries that ${event.node} finds have ended: their marks are durable`;
  return breachAt(event, expected, `${body.pending} of ${body.entries} are pending`);
}
