/** Ids grow along the log, over crashes too: no id is given out twice. */
import type { TraceEvent } from '../src/trace.js';
import { judgingLogs, WAL_TYPES, type WalLog } from './bookkeeping/wal-log.js';
import { type Breach, breachAt, type Invariant, told } from './invariant.js';

export const monotonicity: Invariant = {
  id: 'monotonicity',
  promise: 'Every entry of the log has an id above all before it, also after a crash, so that no mark ever meets a wrong entry.',
  kind: 'always',
  spec: 'KelpieWAL!Monotonicity',
  hears: WAL_TYPES,
  start: () => judgingLogs(judge),
};

function judge(event: TraceEvent, { newest }: WalLog): Breach | undefined {
  const body = told(event);
  if (body.type === 'wal.recover' && body.nextId <= newest) {
    return breachAt(event, `the next id in the log of ${event.node} is above ${newest}, the newest that was told`, `it is ${body.nextId}`);
  }
  if (body.type === 'wal.append' && body.id <= newest) {
    return breachAt(event, `the next entry in the log of ${event.node} has an id above ${newest}`, `it has id ${body.id}`);
  }
  return undefined;
}
