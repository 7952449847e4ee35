/** A server restarts while it reaches only some of the others: it joins with half a view, and half of the others do not see it. */
import { judging } from '../fault.js';
import { level, LONG_EPISODE, names, parameters } from '../parameters.js';

/** Who joins comes first, then those it cannot reach. */
const cut = names((random, budget) => {
  const shuffled = random.shuffle(budget.nodes);
  return shuffled.slice(0, random.between(2, shuffled.length));
}, 2);

export const joinDuringPartition = judging('packet', {
  id: 'cluster/join-during-partition',
  summary: 'a server restarts while it reaches only some of the others',
  needs: ['network', 'process', 'cluster'],
  core: false,
  allowed: (budget) => budget.nodes.length > 1 && budget.downMax > 0,
  ...parameters({ cut, downMicros: level(1_000, 1_000_000) }, LONG_EPISODE),
  judge(packet, { cut: [joining = '', ...hidden] }) {
    const between = (a: string, b: string): boolean => a === joining && hidden.includes(b);
    return between(packet.from, packet.to) || between(packet.to, packet.from) ? { kind: 'drop' } : undefined;
  },
  strike(world, { cut: [joining = ''], downMicros, durationMicros }) {
    const killed = world.kill(joining, 'cluster/join-during-partition');
    const join = (): void => void (killed && !world.isUp(joining) && world.restart(joining));
    world.after(Math.min(downMicros, Math.floor(durationMicros / 4)), join);
    return join;
  },
});
