/**
 * Nodes stop in order and start again while they are called: with calls waiting, with invocations under way that outlast the drain, with
 * activations that begin and end. Every call is run or refused, none is forgotten, and what is not given back in time is left to its lease.
 */
import type { KelpieParts } from '../src/kelpie/parts.js';
import { activationMarks, registryMarks, stopMarks } from './marks.js';
import type { NotebookOperation } from './notebook-client.js';
import { notebookScenario } from './notebook-scenario.js';
import type { Scenario } from './scenario.js';
import { drawMoments, drawOperations, hot } from './workload-draws.js';

const SECOND = 1_000_000;
const BOOKS = ['notebook:b1', 'notebook:b2', 'diary:d1'];

export const shutdownRestart: Scenario<KelpieParts> = notebookScenario({
  id: 'shutdown-restart',
  summary: 'nodes stop in order and start again under load, with more to do than the drain allows for',
  sometimes: {
    ...stopMarks,
    'actor deactivated by a shutdown': activationMarks['actor deactivated by a shutdown'],
    'placement of an earlier life swept away': registryMarks['placement of an earlier life swept away'],
  },
  offers: ['process', 'schedule', 'database', 'cluster'],
  faultFactor: 3,
  chaosMicros: [3 * SECOND, 6 * SECOND, 10 * SECOND],
  knobs: { drainMicros: { min: 0, max: SECOND, normal: 20_000 } },
  watched: 'notebook:b1',
  books: BOOKS,
  draw(random, chaosMicros) {
    const size = random.fork('sizes');
    const moments = drawMoments(random.fork('moments'), size.between(10, 24), chaosMicros);
    const operations = drawOperations(random, 3, moments, (own, slot): NotebookOperation => {
      const book = hot(own, BOOKS);
      if (own.chance(1, 3)) return { ...slot, kind: 'burst', book, times: own.between(2, 4), reads: own.pick([0, 10, 40]) };
      return own.chance(2, 3) ? { ...slot, kind: 'write', book, reads: own.pick([0, 20]) } : { ...slot, kind: 'read', book };
    });
    return { nodes: 3, clients: 3, operations };
  },
});
