/**
 * Calls that come in where the actor is not. Every client knows two nodes only, notebooks pass notes on to each other in chains, and at
 * times a chain comes back to a notebook that waits in it. Routes grow old as actors move and nodes die; however often a call is passed
 * on, answered late or sent again, it takes effect once and is answered.
 */
import type { KelpieParts } from '../src/kelpie/parts.js';
import { Migrations } from '../src/kelpie/migration/migrations.js';
import { callMarks } from './marks.js';
import type { NotebookOperation } from './notebook-client.js';
import { notebookScenario } from './notebook-scenario.js';
import { serverIds, type Scenario } from './scenario.js';
import { drawMoments, drawOperations, drawWays, hot, numbered } from './workload-draws.js';

const IDS = numbered('b', 4);
const BOOKS = IDS.map((id) => `notebook:${id}`);
const KINDS = ['write', 'write', 'repeat', 'relay', 'relay', 'cycle', 'read', 'migrate'] as const;

export const forwarding: Scenario<KelpieParts> = notebookScenario({
  id: 'forwarding',
  summary: 'calls come in where their actors are not, in chains, over old routes and again',
  sometimes: callMarks,
  knobs: { hops: { min: 1, max: 3, normal: 2 }, forwardMicros: { min: 500_000, max: 4_000_000, normal: 2_000_000 } },
  watched: 'notebook:b1',
  books: BOOKS,
  program: () => ({ services: [new Migrations()] }),
  nodesOf(client, workload) {
    const nodes = serverIds(workload);
    const own = nodes.indexOf(client.replace('c', 'n'));
    // Whoever is no client asks all.
    return own < 0 ? nodes : nodes.filter((_, i) => i === own || i === (own + 1) % nodes.length);
  },
  draw(random, chaosMicros) {
    const size = random.fork('sizes');
    const clients = size.between(2, 3);
    const nodes = size.between(3, 5);
    const moments = drawMoments(random.fork('moments'), size.between(8, 20), chaosMicros);
    const ways = drawWays(random.fork('ways'));
    const operations = drawOperations(random, clients, moments, (own, drawn): NotebookOperation => {
      const book = hot(own, BOOKS);
      const kind = own.pick(KINDS);
      const slot = ways.waiting(drawn);
      switch (kind) {
        case 'write':
          return { ...slot, kind, book, reads: own.int(3) };
        case 'repeat':
          return { ...slot, kind, book, times: own.between(2, 3) };
        case 'relay':
          return { ...slot, kind, path: ways.along(own.shuffle(IDS).slice(0, own.between(2, 4))) };
        case 'cycle': {
          const path = ways.along(own.shuffle(IDS).slice(0, own.between(2, 3)));
          return { ...slot, kind: 'relay', path: [...path, ...path.slice(0, 1)] };
        }
        case 'read':
          return { ...slot, kind, book };
        case 'migrate':
          return { ...slot, kind, book, to: own.pick(numbered('n', nodes)) };
      }
    });
    return { nodes, clients, operations };
  },
});
