/** Neighbouring servers share a rack and lose power within moments of each other, as many as may be down at once. */
import { striking } from '../fault.js';
import { amount, downable, names, parameters } from '../parameters.js';

/** A rack holds servers that stand next to each other in boot order. */
const rackmates = names((random, budget) => {
  const size = Math.min(downable(budget), budget.nodes.length);
  const first = random.int(budget.nodes.length - size + 1);
  return budget.nodes.slice(first, first + size);
});

export const rack = striking({
  id: 'crash/rack',
  summary: 'all servers of a rack die within moments of each other',
  needs: ['process'],
  core: false,
  allowed: (budget) => budget.downMax > 0,
  ...parameters({ nodes: rackmates, spreadMicros: amount(1, 50_000) }),
  strike(world, params) {
    const killed: string[] = [];
    for (const node of params.nodes) {
      world.after(params.spreadMicros === 0 ? 0 : world.random.int(params.spreadMicros), () => {
        if (world.kill(node, 'crash/rack')) killed.push(node);
      });
    }
    return () => {
      for (const node of killed) world.restart(node);
    };
  },
});
