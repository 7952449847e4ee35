/**
 * Members watch each other by heartbeats. Who misses too many is suspected, then failed, and its actors are placed anew at once instead
 * of when their leases run out. Hard is who only seemed dead: a node whose heartbeats got lost or that slept comes back, still believes
 * in its actors, and its late heartbeats must not revive what was failed over.
 */
import type { KelpieParts } from '../src/kelpie/parts.js';
import { Membership } from '../src/kelpie/membership/membership.js';
import { leaseMarks, memberMarks } from './marks.js';
import { drawSteadyUse, notebookScenario } from './notebook-scenario.js';
import { serverIds, type Scenario } from './scenario.js';
import { numbered } from './workload-draws.js';

const SECOND = 1_000_000;
const BOOKS = numbered('notebook:b', 4);

export const heartbeatFailover: Scenario<KelpieParts> = notebookScenario({
  id: 'heartbeat-failover',
  summary: 'members that miss heartbeats are failed and their actors placed anew, also when they only seemed dead',
  sometimes: {
    'member suspected': memberMarks['member suspected'],
    'suspected member trusted again': memberMarks['suspected member trusted again'],
    'late heartbeat of a life that was failed': memberMarks['late heartbeat of a life that was failed'],
    'member failed': memberMarks['member failed'],
    'node deposed while it ran': memberMarks['node deposed while it ran'],
    'actor of a failed member freed': memberMarks['actor of a failed member freed'],
    'failover brought to its end': memberMarks['failover brought to its end'],
    'lease found lost by its holder': leaseMarks['lease found lost by its holder'],
  },
  offers: ['network', 'process', 'schedule', 'cluster', 'membership'],
  faultFactor: 2,
  chaosMicros: [6 * SECOND, 10 * SECOND, 15 * SECOND],
  // Failed long before a lease runs out.
  knobs: {
    leaseMicros: { min: 5 * SECOND, max: 8 * SECOND, normal: 6 * SECOND },
    heartbeatMicros: { min: 200_000, max: 400_000, normal: 250_000 },
    heartbeatsMissedFailed: { min: 3, max: 5, normal: 3 },
    idleMicros: { min: 5 * SECOND, max: 20 * SECOND, normal: 20 * SECOND },
  },
  watched: 'notebook:b1',
  books: BOOKS,
  begun: true,
  program: (_, { workload }) => ({ services: [new Membership({ seeds: serverIds(workload) })] }),
  draw: (random, chaosMicros) => drawSteadyUse(random, chaosMicros, { clients: 3, books: BOOKS, readsBelow: 4 }),
});
