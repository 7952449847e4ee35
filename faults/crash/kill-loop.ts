/** A process dies again soon after each start, as one does that its supervisor keeps restarting: recovery is interrupted too. */
import { striking } from '../fault.js';
import { downable, LONG_EPISODE, level, parameters, servers } from '../parameters.js';

export const killLoop = striking({
  id: 'crash/kill-loop',
  summary: 'servers die again and again soon after each start',
  needs: ['process'],
  core: false,
  allowed: (budget) => budget.downMax > 0,
  ...parameters({ nodes: servers(downable), upMicros: level(10_000, 3_000_000), downMicros: level(1_000, 1_000_000) }, LONG_EPISODE),
  strike(world, params) {
    const down = new Set<string>();
    const die = (): void => {
      for (const node of params.nodes) if (world.kill(node, 'crash/kill-loop')) down.add(node);
      world.after(params.downMicros, live);
    };
    const live = (): void => {
      for (const node of down) world.restart(node);
      down.clear();
      world.after(params.upMicros, die);
    };
    die();
    return () => {
      for (const node of down) world.restart(node);
    };
  },
});
