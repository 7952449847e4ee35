/**
 * Actors are moved while they are called. Operators move hot notebooks back and forth, also two of them the same one at once, to the
 * node where it is, and to nodes that are down; either end of a move may die at every step of it. The notebook is never in two places,
 * never nowhere for good, and has every note that was acknowledged.
 */
import type { KelpieParts } from '../src/kelpie/parts.js';
import { Migrations } from '../src/kelpie/migration/migrations.js';
import { migrationMarks } from './marks.js';
import { drawNote, type NotebookOperation } from './notebook-client.js';
import { notebookScenario } from './notebook-scenario.js';
import type { Scenario } from './scenario.js';
import { drawMoments, drawOperations, hot, numbered } from './workload-draws.js';

const BOOKS = ['notebook:b1', 'diary:d1'];

export const migration: Scenario<KelpieParts> = notebookScenario({
  id: 'migration',
  summary: 'actors are moved from node to node while they are called and nodes die',
  sometimes: migrationMarks,
  offers: ['network', 'process', 'schedule', 'database', 'cluster'],
  faultFactor: 2,
  knobs: {
    migrationCooldownMicros: { min: 0, max: 500_000, normal: 20_000 },
    migrationStepMicros: { min: 500_000, max: 4_000_000, normal: 2_000_000 },
  },
  watched: 'notebook:b1',
  books: BOOKS,
  begun: true,
  program: () => ({ services: [new Migrations()] }),
  draw(random, chaosMicros) {
    const size = random.fork('sizes');
    const nodes = size.between(3, 4);
    const moments = drawMoments(random.fork('moments'), size.between(10, 24), chaosMicros);
    const operations = drawOperations(random, 3, moments, (own, slot): NotebookOperation => {
      const book = hot(own, BOOKS);
      if (own.chance(2, 5)) return { ...slot, kind: 'migrate', book, to: own.pick(numbered('n', nodes)) };
      // What waits is served before the actor goes, so that its target has time to be gone by then.
      if (own.chance(1, 4)) return { ...slot, kind: 'burst', book, times: own.between(2, 4), reads: own.pick([0, 10, 40]) };
      return drawNote(own, slot, book, 4);
    });
    return { nodes, clients: 3, operations };
  },
});
