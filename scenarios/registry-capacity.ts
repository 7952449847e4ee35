/**
 * Nodes that are full. There are more notebooks than places for them, so that claims compete for the last place of a node, calls are sent
 * on to a node that has one, and some must wait until an idle actor has gone. The counts of the registry must agree with what is placed,
 * whoever died between the two.
 */
import type { KelpieParts } from '../src/kelpie/parts.js';
import { loadMarks, registryMarks } from './marks.js';
import { drawNote, type NotebookOperation } from './notebook-client.js';
import { notebookScenario } from './notebook-scenario.js';
import type { Scenario } from './scenario.js';
import { drawMoments, drawOperations, numbered } from './workload-draws.js';

export const registryCapacity: Scenario<KelpieParts> = notebookScenario({
  id: 'registry-capacity',
  summary: 'there are more actors than places, and claims compete for the last ones',
  sometimes: {
    'claim refused for capacity': registryMarks['claim refused for capacity'],
    'claim sent elsewhere by placement': registryMarks['claim sent elsewhere by placement'],
    'placement of an earlier life swept away': registryMarks['placement of an earlier life swept away'],
    'client told that it was too much': loadMarks['client told that it was too much'],
  },
  knobs: {
    capacity: { min: 1, max: 4, normal: 2 },
    idleMicros: { min: 50_000, max: 1_000_000, normal: 300_000 },
    placement: { min: 0, max: 3, normal: 0 },
  },
  watched: 'notebook:b1',
  draw(random, chaosMicros) {
    const size = random.fork('sizes');
    const clients = size.between(2, 4);
    const books = numbered('notebook:b', size.between(7, 10));
    const moments = drawMoments(random.fork('moments'), size.between(12, 30), chaosMicros);
    const operations = drawOperations(random, clients, moments, (own, slot): NotebookOperation => {
      const book = own.pick(books);
      return drawNote(own, slot, book, 3);
    });
    return { nodes: 3, clients, books, operations };
  },
  books: ({ books }) => books,
});
