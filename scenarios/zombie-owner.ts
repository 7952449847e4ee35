/**
 * A holder that does not know that it is none any more. Its process sleeps, or the database is out of its reach, until its lease has run
 * out and another node has the actor; then it wakes in the middle of what it was doing. Invocations that read much before they write
 * give it much to be in the middle of. Whatever it writes then must not take effect.
 */
import type { KelpieParts } from '../src/kelpie/parts.js';
import { leaseMarks } from './marks.js';
import type { NotebookOperation } from './notebook-client.js';
import { notebookScenario } from './notebook-scenario.js';
import type { Scenario } from './scenario.js';
import { drawOperations, steadyMoments } from './workload-draws.js';

const SECOND = 1_000_000;
const BOOK = 'notebook:b1';

export const zombieOwner: Scenario<KelpieParts> = notebookScenario({
  id: 'zombie-owner',
  summary: 'the holder of an actor sleeps through the end of its lease and wakes in the middle of an invocation',
  sometimes: {
    'lease expired while its holder was paused': leaseMarks['lease expired while its holder was paused'],
    'actor taken over from a holder that still believed': leaseMarks['actor taken over from a holder that still believed'],
    'commit of a deposed holder refused': leaseMarks['commit of a deposed holder refused'],
    'lease given up in time by its holder': leaseMarks['lease given up in time by its holder'],
  },
  offers: ['process', 'clock', 'schedule', 'database', 'cluster'],
  faultFactor: 3,
  chaosMicros: [8 * SECOND, 12 * SECOND, 20 * SECOND],
  knobs: {
    leaseMicros: { min: 2_500_000, max: 3 * SECOND, normal: 2_500_000 },
    // Whoever waits for a holder looks again before what that one has sent is too old to be committed.
    forwardMicros: { min: 700_000, max: 2 * SECOND, normal: SECOND },
    idleMicros: { min: 10 * SECOND, max: 20 * SECOND, normal: 20 * SECOND },
  },
  watched: BOOK,
  books: [BOOK],
  begun: true,
  draw(random, chaosMicros) {
    const count = random.fork('sizes').between(12, 30);
    const moments = steadyMoments(count, chaosMicros);
    const operations = drawOperations(random, 3, moments, (own, slot): NotebookOperation => {
      if (own.chance(1, 5)) return { ...slot, kind: 'read', book: BOOK };
      if (own.chance(1, 2)) return { ...slot, kind: 'jot', book: BOOK };
      return { ...slot, kind: 'write', book: BOOK, reads: own.pick([0, 5, 20]) };
    });
    return { nodes: 3, clients: 3, operations };
  },
});
