/**
 * Many claim one actor at once. Every client asks another node for the same cold notebook at the very same moment; soon after it is idle
 * and given back, and the race begins anew, at times while the last holder is still giving it back. Exactly one node may win each time.
 */
import type { KelpieParts } from '../src/kelpie/parts.js';
import { callMarks, registryMarks } from './marks.js';
import { drawNote, type NotebookOperation } from './notebook-client.js';
import { notebookScenario } from './notebook-scenario.js';
import { serverIds, type Scenario } from './scenario.js';
import { drawRounds, numbered, steadyMoments } from './workload-draws.js';

const SECOND = 1_000_000;
const BOOKS = numbered('notebook:b', 3);

export const singleActivationRace: Scenario<KelpieParts> = notebookScenario({
  id: 'single-activation-race',
  summary: 'all clients call one cold actor at the same moment, each through another node',
  sometimes: {
    'two nodes claimed one actor at once': registryMarks['two nodes claimed one actor at once'],
    'claim lost to another node': registryMarks['claim lost to another node'],
    'claim whose answer was lost, found applied': registryMarks['claim whose answer was lost, found applied'],
    'actor claimed again by the life that held it': registryMarks['actor claimed again by the life that held it'],
    'call forwarded': callMarks['call forwarded'],
  },
  // The placement of whoever asks: all of them claim for themselves.
  offers: ['network', 'process', 'schedule', 'database', 'cluster'],
  faultFactor: 2,
  knobs: { idleMicros: { min: 20_000, max: 400_000, normal: 80_000 }, leaseMicros: { min: 2_500_000, max: 3 * SECOND, normal: 2_500_000 } },
  watched: 'notebook:b1',
  books: BOOKS,
  nodesOf: (client, workload) => nodesFrom(client, serverIds(workload)),
  draw(random, chaosMicros) {
    const size = random.fork('sizes');
    const nodes = size.between(3, 5);
    const rounds = size.between(3, 8);
    const moments = steadyMoments(rounds, chaosMicros);
    const operations = drawRounds(random, nodes, moments, (own, slot, round): NotebookOperation => {
      // All of a round want the same one.
      const book = BOOKS[round % BOOKS.length] ?? BOOKS[0] ?? '';
      return drawNote(own, slot, book, 2);
    });
    return { nodes, clients: nodes, operations };
  },
  small: () => ({
    workload: { nodes: 3, clients: 2, operations: [1, 2].map(smallWrite) },
    chaosMicros: 4 * SECOND,
    readyMicros: SMALL_READY_MICROS,
    seed: 1,
  }),
});

/** By then all nodes have registered, one after the other. */
const SMALL_READY_MICROS = 2 * SECOND;
/** Two that claim the same book at once are a race already. */
const smallWrite = (client: number): NotebookOperation => ({
  op: `c${client}-0`,
  client,
  atMicros: SMALL_READY_MICROS,
  deadlineMicros: 4 * SECOND,
  kind: 'write',
  book: 'notebook:b1',
  reads: 0,
});

/** Each client has a node of its own, and a second one for when that is down; whoever is no client asks all. */
function nodesFrom(client: string, nodes: readonly string[]): readonly string[] {
  const own = nodes.indexOf(client.replace('c', 'n'));
  return own < 0 ? nodes : [nodes[own], nodes[(own + 1) % nodes.length]].filter((node) => node !== undefined);
}
