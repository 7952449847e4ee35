/**
 * Actors that are idle just as long as they may be. Each diary is called again about when its time is over: a little before, at the very
 * moment, a little after. So calls meet activations that are ending, and diaries open on one node while they close on another. A hook
 * that changes on the way out must not be lost, nor done twice.
 */
import type { KelpieParts } from '../src/kelpie/parts.js';
import { activationMarks, registryMarks } from './marks.js';
import type { NotebookOperation } from './notebook-client.js';
import { notebookScenario } from './notebook-scenario.js';
import type { Scenario } from './scenario.js';
import { drawOperations, numbered } from './workload-draws.js';

const BOOKS = numbered('diary:d', 4);
const IDLE_MICROS = 200_000;
/** How far from the end of its time a diary is called again. */
const AROUND_MICROS = 20_000;

export const idleDeactivation: Scenario<KelpieParts> = notebookScenario({
  id: 'idle-deactivation',
  summary: 'actors are called again at the very moment at which they have been idle for too long',
  sometimes: {
    'actor deactivated for idleness': activationMarks['actor deactivated for idleness'],
    'call accepted while its actor was ending': activationMarks['call accepted while its actor was ending'],
    'what a deactivation changed was dropped': activationMarks['what a deactivation changed was dropped'],
    'actor claimed again by the life that held it': registryMarks['actor claimed again by the life that held it'],
  },
  knobs: { idleMicros: { min: IDLE_MICROS / 10, max: 2 * IDLE_MICROS, normal: IDLE_MICROS } },
  watched: 'diary:d1',
  books: BOOKS,
  draw(random, chaosMicros) {
    const size = random.fork('sizes');
    const clients = size.between(2, 4);
    const own = random.fork('moments');
    const turns = Math.min(size.between(6, 14), Math.floor(chaosMicros / (IDLE_MICROS + AROUND_MICROS)));
    const moments = Array.from({ length: turns }, (_, i) => i * IDLE_MICROS + own.int(AROUND_MICROS)).flatMap((at) =>
      // Some are called by two at once.
      own.chance(1, 3) ? [at, at] : [at],
    );
    const operations = drawOperations(random, clients, moments, (by, slot): NotebookOperation => {
      const book = by.pick(BOOKS.slice(0, 2));
      if (by.chance(1, 6)) return { ...slot, kind: 'write', book: by.pick(BOOKS), reads: 0 };
      return by.chance(2, 3) ? { ...slot, kind: 'write', book, reads: by.int(2) } : { ...slot, kind: 'read', book };
    });
    return { nodes: 3, clients, operations };
  },
});
