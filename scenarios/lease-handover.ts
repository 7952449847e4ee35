/**
 * An actor passes from holder to holder while it is called without a pause: by the death of its node, by an orderly stop, by a lease
 * that could not be renewed in time. Each time it must be nowhere for a while rather than in two places, and soon be somewhere again.
 */
import type { KelpieParts } from '../src/kelpie/parts.js';
import { leaseMarks, registryMarks } from './marks.js';
import { drawNote, type NotebookOperation } from './notebook-client.js';
import { notebookScenario } from './notebook-scenario.js';
import type { Scenario } from './scenario.js';
import { drawOperations, hot, steadyMoments } from './workload-draws.js';

const SECOND = 1_000_000;
const BOOKS = ['notebook:b1', 'notebook:b2'];

export const leaseHandover: Scenario<KelpieParts> = notebookScenario({
  id: 'lease-handover',
  summary: 'actors in steady use pass from holder to holder as nodes die, stop and lose their leases',
  sometimes: {
    'actor taken over from a holder that was gone': leaseMarks['actor taken over from a holder that was gone'],
    'lease given up in time by its holder': leaseMarks['lease given up in time by its holder'],
    'lease renewed after it was judged as expired': leaseMarks['lease renewed after it was judged as expired'],
    'actor claimed by a later life of its node': registryMarks['actor claimed by a later life of its node'],
    'release that found another holder': registryMarks['release that found another holder'],
  },
  offers: ['process', 'clock', 'schedule', 'database', 'cluster'],
  faultFactor: 2,
  // Long enough for a lease to expire and be taken over, and again.
  chaosMicros: [6 * SECOND, 10 * SECOND, 15 * SECOND],
  knobs: {
    leaseMicros: { min: 2_500_000, max: 4 * SECOND, normal: 2_500_000 },
    leaseRenewMicros: { min: 300_000, max: 800_000, normal: 600_000 },
    idleMicros: { min: SECOND, max: 20 * SECOND, normal: 20 * SECOND },
  },
  watched: BOOKS[0] ?? '',
  books: BOOKS,
  begun: true,
  draw(random, chaosMicros) {
    const count = random.fork('sizes').between(12, 30);
    // Without a pause: somebody is always waiting when the holder goes.
    const moments = steadyMoments(count, chaosMicros);
    const operations = drawOperations(random, 3, moments, (own, slot): NotebookOperation => {
      const book = hot(own, BOOKS);
      if (own.chance(1, 3)) return { ...slot, kind: 'jot', book };
      return drawNote(own, slot, book, 3);
    });
    return { nodes: 3, clients: 3, operations };
  },
});
