/** Two servers come back with each other's disk: volumes attached to the wrong machines. They stay so. */
import { striking } from '../fault.js';
import { liars, parameters } from '../parameters.js';

const two = (): number => 2;

export const swapped = striking({
  id: 'disk/swapped',
  summary: "two servers die and come back with each other's disk",
  needs: ['disk', 'process'],
  core: false,
  allowed: (budget) => budget.lyingDisksMax >= 2 && budget.downMax >= 2,
  ...parameters({ nodes: liars(two, 2) }),
  strike(world, params) {
    const killed = params.nodes.filter((node) => world.kill(node, 'disk/swapped'));
    const [one, other] = killed;
    if (one !== undefined && other !== undefined) world.disk.swap(one, other);
    return () => {
      for (const node of killed) world.restart(node);
    };
  },
});
