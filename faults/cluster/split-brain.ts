/**
 * The cluster falls into two halves, each with clients of its own that go on working. The database is on one side, or both see it:
 * then each half thinks that the other one is dead.
 */
import type { NodeId, Random } from '../../src/ports.js';
import { type Budget, DATABASE_ADDRESS } from '../../src/sim/seams.js';
import { judging } from '../fault.js';
import { apart, checkGroups, type Groups, shrinkGroups } from '../groups.js';
import { type Field, inOrder, LONG_EPISODE, everyone, parameters } from '../parameters.js';

function drawHalves(random: Random, budget: Budget): Groups {
  const halves: [NodeId[], NodeId[]] = [[], []];
  for (const kind of [budget.nodes, budget.clients ?? []]) {
    random.shuffle(kind).forEach((address, i) => void halves[i % 2 === 0 ? 0 : 1].push(address));
  }
  const side = random.int(3);
  if (side < 2) halves[side === 0 ? 0 : 1].push(DATABASE_ADDRESS);
  return halves.map((half) => inOrder(everyone(budget), half));
}

const halves: Field<Groups> = { draw: drawHalves, shrink: shrinkGroups, check: checkGroups };

export const splitBrain = judging('packet', {
  id: 'cluster/split-brain',
  summary: 'two halves of the cluster, each with clients, cannot reach each other',
  needs: ['network', 'cluster'],
  core: false,
  allowed: (budget) => budget.nodes.length > 1,
  ...parameters({ halves }, LONG_EPISODE),
  judge: (packet, params) => (apart(packet, params.halves) ? { kind: 'drop' } : undefined),
});
