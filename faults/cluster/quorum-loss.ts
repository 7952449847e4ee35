/** No server reaches any other, so that there is no majority anywhere; clients and the database see all of them. */
import { judging } from '../fault.js';
import { inOrder, names, parameters } from '../parameters.js';

/** So many that those left over are no majority, even with one of the lost. */
const lost = names((random, budget) => {
  const least = Math.ceil(budget.nodes.length / 2) + 1;
  return inOrder(
    budget.nodes,
    random.shuffle(budget.nodes).slice(0, random.between(Math.min(least, budget.nodes.length), budget.nodes.length)),
  );
}, 2);

export const quorumLoss = judging('packet', {
  id: 'cluster/quorum-loss',
  summary: 'so many servers cannot reach each other that there is no majority',
  needs: ['network', 'cluster'],
  core: false,
  allowed: (budget) => budget.nodes.length > 1,
  ...parameters({ lost }),
  judge(packet, params) {
    const { from, to } = packet;
    return from !== to && params.lost.includes(from) && params.lost.includes(to) ? { kind: 'drop' } : undefined;
  },
});
