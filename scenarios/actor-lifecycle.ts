/**
 * The life of an actor: activated by a call, deactivated when nobody calls for a while, and activated again, here or elsewhere. Diaries
 * change in their hooks too, so that every way in and out commits. Hard are the calls that come while an activation begins or ends, and
 * invocations that fail between two good ones: what they left in memory must not be saved by the deactivation that follows.
 */
import type { KelpieParts } from '../src/kelpie/parts.js';
import { activationMarks, commitMarks, seen } from './marks.js';
import { SPOILS } from './notebook.js';
import type { NotebookOperation } from './notebook-client.js';
import { notebookScenario } from './notebook-scenario.js';
import type { Scenario } from './scenario.js';
import { drawMoments, drawOperations, hot } from './workload-draws.js';

const DIARIES = ['diary:d1', 'diary:d2', 'diary:d3'];
const KINDS = ['write', 'write', 'write', 'read', 'spoil', 'spoil', 'repeat'] as const;

export const actorLifecycle: Scenario<KelpieParts> = notebookScenario({
  id: 'actor-lifecycle',
  summary: 'actors come and go between calls, and change in their hooks',
  sometimes: {
    ...activationMarks,
    'writes rolled back': commitMarks['writes rolled back'],
    'actor activated without a state': seen('activate.load', ({ state }) => state === null),
  },
  // About as long as the pauses between calls.
  knobs: { idleMicros: { min: 20_000, max: 2_000_000, normal: 150_000 } },
  watched: 'diary:d1',
  books: DIARIES,
  draw(random, chaosMicros) {
    const size = random.fork('sizes');
    const clients = size.between(2, 3);
    const moments = drawMoments(random.fork('moments'), size.between(10, 30), chaosMicros);
    const operations = drawOperations(random, clients, moments, (own, slot): NotebookOperation => {
      const book = hot(own, DIARIES);
      const kind = own.pick(KINDS);
      if (kind === 'write') return { ...slot, kind, book, reads: own.int(3) };
      if (kind === 'spoil') return { ...slot, kind, book, how: own.pick(SPOILS) };
      return kind === 'read' ? { ...slot, kind, book } : { ...slot, kind, book, times: own.between(2, 3) };
    });
    return { nodes: 3, clients, operations };
  },
});
