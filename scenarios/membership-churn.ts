/**
 * Nodes join, leave and come back without a rest, in order or by dying, some of them while they are still joining or leaving. At every
 * moment the members agree on who is one, a primary has a majority behind it, and actors move off nodes that go.
 */
import type { KelpieParts } from '../src/kelpie/parts.js';
import { Membership } from '../src/kelpie/membership/membership.js';
import { memberMarks } from './marks.js';
import { drawNote, type NotebookOperation } from './notebook-client.js';
import { notebookScenario } from './notebook-scenario.js';
import { serverIds, type Scenario } from './scenario.js';
import { drawMoments, drawOperations, hot, numbered } from './workload-draws.js';

const SECOND = 1_000_000;
const BOOKS = numbered('notebook:b', 4);

export const membershipChurn: Scenario<KelpieParts> = notebookScenario({
  id: 'membership-churn',
  summary: 'nodes join, leave and come back without a rest',
  sometimes: {
    'node let in by a member': memberMarks['node let in by a member'],
    'member left in order': memberMarks['member left in order'],
    'membership resumed by a later life': memberMarks['membership resumed by a later life'],
    'member failed': memberMarks['member failed'],
    'primary elected again': memberMarks['primary elected again'],
  },
  offers: ['network', 'process', 'schedule', 'cluster', 'membership'],
  faultFactor: 2,
  chaosMicros: [6 * SECOND, 10 * SECOND, 15 * SECOND],
  knobs: { leaseMicros: { min: 4 * SECOND, max: 6 * SECOND, normal: 4 * SECOND } },
  watched: 'notebook:b1',
  books: BOOKS,
  program: (_, { workload }) => ({ services: [new Membership({ seeds: serverIds(workload) })] }),
  draw(random, chaosMicros) {
    const size = random.fork('sizes');
    const nodes = size.between(3, 6);
    const moments = drawMoments(random.fork('moments'), size.between(8, 20), chaosMicros);
    const operations = drawOperations(random, 2, moments, (own, slot): NotebookOperation => {
      const book = hot(own, BOOKS);
      return drawNote(own, slot, book, 2);
    });
    return { nodes, clients: 2, operations };
  },
});
