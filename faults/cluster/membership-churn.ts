/** Servers leave in order and join again, one after the other without a rest. */
import type { NodeId } from '../../src/ports.js';
import { striking } from '../fault.js';
import { LONG_EPISODE, level, parameters, servers } from '../parameters.js';

export const membershipChurn = striking({
  id: 'cluster/membership-churn',
  summary: 'servers leave and join again, one after the other',
  needs: ['process', 'cluster'],
  core: false,
  allowed: (budget) => budget.downMax > 0,
  ...parameters({ nodes: servers(), awayMicros: level(10_000, 3_000_000), restMicros: level(10_000, 3_000_000) }, LONG_EPISODE),
  strike(world, params) {
    let away: NodeId | undefined;
    const join = (): void => {
      if (away !== undefined) world.restart(away);
      away = undefined;
    };
    const leave = (turn: number): void => {
      const node = params.nodes[turn % params.nodes.length];
      if (node !== undefined && world.stop(node)) away = node;
      world.after(params.awayMicros, () => {
        join();
        world.after(params.restMicros, () => leave(turn + 1));
      });
    };
    leave(0);
    return join;
  },
});
