/**
 * More calls than there is room for. Bursts meet one slow notebook and nodes that take few calls at a time: what is refused must be
 * refused with a word, what is accepted must be answered, and no queue may grow beyond its bound.
 */
import type { KelpieParts } from '../src/kelpie/parts.js';
import { loadMarks } from './marks.js';
import type { NotebookOperation } from './notebook-client.js';
import { notebookScenario } from './notebook-scenario.js';
import type { Scenario } from './scenario.js';
import { drawMoments, drawOperations, drawWays, hot, numbered } from './workload-draws.js';

const BOOKS = numbered('notebook:b', 3);

export const backpressure: Scenario<KelpieParts> = notebookScenario({
  id: 'backpressure',
  summary: 'bursts of calls meet slow actors and nodes that take few of them at once',
  sometimes: loadMarks,
  knobs: {
    pendingPerActor: { min: 1, max: 6, normal: 3 },
    mailbox: { min: 2, max: 12, normal: 6 },
    callsInFlight: { min: 1, max: 3, normal: 2 },
  },
  watched: 'notebook:b1',
  books: BOOKS,
  draw(random, chaosMicros) {
    const size = random.fork('sizes');
    const clients = size.between(2, 4);
    const moments = drawMoments(random.fork('moments'), size.between(4, 10), chaosMicros);
    const ways = drawWays(random.fork('ways'));
    const operations = drawOperations(random, clients, moments, (own, drawn): NotebookOperation => {
      const slot = ways.waiting(drawn);
      const book = hot(own, BOOKS);
      if (own.chance(1, 2)) return { ...slot, kind: 'burst', book, times: own.between(3, 8), reads: own.pick([0, 4, 10]) };
      if (own.chance(1, 3)) return { ...slot, kind: 'repeat', book, times: own.between(2, 4) };
      return own.chance(1, 2)
        ? { ...slot, kind: 'relay', path: ways.along(own.shuffle(['b1', 'b2', 'b3'])) }
        : { ...slot, kind: 'read', book };
    });
    return { nodes: 3, clients, operations };
  },
});
