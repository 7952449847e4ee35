/**
 * The storage servers of the database have fallen behind its log: reads wait until they have caught up, and where that takes longer
 * than a second the store gives up and says so (1009), as FoundationDB does.
 */
import { databaseErrorCode } from '../../src/ports.js';
import { judging } from '../fault.js';
import { amount, parameters, servers } from '../parameters.js';

/** How long a storage server waits for a version. */
const WAIT_MICROS_MAX = 1_000_000;

export const replicationLag = judging('database', {
  id: 'cluster/replication-lag',
  summary: 'storage servers of the database have fallen behind',
  needs: ['database', 'cluster'],
  core: false,
  ...parameters({ nodes: servers(), micros: amount(1_000, 4_000_000) }),
  judge(event, params, random, elapsedMicros) {
    if (event.operation !== 'read' || params.micros === 0 || !params.nodes.includes(event.node)) return undefined;
    // The lag grows to its full size in the first half of the episode and is made up for in the second.
    const half = Math.max(1, Math.floor(params.durationMicros / 2));
    const lag = Math.floor((params.micros * Math.max(0, half - Math.abs(elapsedMicros - half))) / half);
    if (lag === 0) return undefined;
    const wait = random.between(1, lag);
    if (wait <= WAIT_MICROS_MAX) return { kind: 'delay', micros: wait };
    return { kind: 'fail', code: databaseErrorCode.futureVersion, applied: false };
  },
});
