/**
 * Where an actor comes up that is nowhere. Each case has one of the strategies; nodes see lists of the others that are old, ask nodes that
 * are gone or full, and send a claim to each other. Wherever it ends up, it is one place, it is the one the registry names, and its node
 * counts it.
 */
import { PLACEMENT_STRATEGIES } from '../src/kelpie/config.js';
import type { KelpieParts } from '../src/kelpie/parts.js';
import { registryMarks, seen } from './marks.js';
import type { NotebookOperation } from './notebook-client.js';
import { notebookScenario } from './notebook-scenario.js';
import type { Scenario } from './scenario.js';
import { drawMoments, drawOperations, numbered } from './workload-draws.js';

export const placement: Scenario<KelpieParts> = notebookScenario({
  id: 'placement',
  summary: 'actors come up where one of four strategies puts them, by lists of nodes that are old',
  sometimes: {
    'claim sent elsewhere by placement': registryMarks['claim sent elsewhere by placement'],
    'node asked to claim an actor': seen('forward', ({ place }) => place),
    'node asked to claim an actor did not answer': seen('forward.fail', ({ why }) => why === 'timeout'),
    'claim lost to another node': registryMarks['claim lost to another node'],
  },
  knobs: {
    idleMicros: { min: 50_000, max: 2_000_000, normal: 200_000 },
    nodeListMicros: { min: 0, max: 2_000_000, normal: 500_000 },
  },
  watched: 'notebook:b1',
  draw(random, chaosMicros) {
    const size = random.fork('sizes');
    const nodes = size.between(3, 5);
    const strategy = size.pick(PLACEMENT_STRATEGIES);
    const books = numbered('notebook:b', size.between(4, 8));
    const moments = drawMoments(random.fork('moments'), size.between(10, 24), chaosMicros);
    const operations = drawOperations(random, 3, moments, (own, slot): NotebookOperation => {
      const book = own.pick(books);
      return own.chance(1, 2) ? { ...slot, kind: 'write', book, reads: 0 } : { ...slot, kind: 'read', book };
    });
    return { nodes, clients: 3, strategy, books, operations };
  },
  books: ({ books }) => books,
  program: (_, { workload }) => ({ config: { placement: workload.strategy } }),
});
