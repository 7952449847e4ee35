/**
 * The cluster falls apart into parts that cannot see each other, each with clients that go on working; the database is on one side, on
 * the other, or seen by both. Each part may think that the others are dead. Only one of them may have a primary, and an actor may answer
 * in one of them only.
 */
import type { KelpieParts } from '../src/kelpie/parts.js';
import { Membership } from '../src/kelpie/membership/membership.js';
import { leaseMarks, memberMarks } from './marks.js';
import { drawSteadyUse, notebookScenario } from './notebook-scenario.js';
import { serverIds, type Scenario } from './scenario.js';

const SECOND = 1_000_000;
const BOOKS = ['notebook:b1', 'notebook:b2'];

export const splitBrain: Scenario<KelpieParts> = notebookScenario({
  id: 'split-brain',
  summary: 'parts of the cluster that cannot see each other go on working, each with clients',
  sometimes: {
    'primary without a majority stepped down': memberMarks['primary without a majority stepped down'],
    'quorum lost and regained': memberMarks['quorum lost and regained'],
    'primary elected again': memberMarks['primary elected again'],
    'node deposed while it ran': memberMarks['node deposed while it ran'],
    'lease found lost by its holder': leaseMarks['lease found lost by its holder'],
    'lease given up in time by its holder': leaseMarks['lease given up in time by its holder'],
  },
  // Nobody dies: whoever is gone is only out of sight.
  offers: ['network', 'schedule', 'cluster', 'membership'],
  faultFactor: 2,
  chaosMicros: [8 * SECOND, 12 * SECOND, 20 * SECOND],
  knobs: {
    leaseMicros: { min: 3 * SECOND, max: 5 * SECOND, normal: 4 * SECOND },
    heartbeatMicros: { min: 300_000, max: 500_000, normal: 400_000 },
    heartbeatsMissedFailed: { min: 3, max: 4, normal: 3 },
  },
  watched: 'notebook:b1',
  books: BOOKS,
  begun: true,
  program: (_, { workload }) => ({ services: [new Membership({ seeds: serverIds(workload) })] }),
  draw: (random, chaosMicros) => drawSteadyUse(random, chaosMicros, { clients: 4, books: BOOKS, readsBelow: 3 }),
});
