/** A process sleeps (garbage collection, SIGSTOP, a moved virtual machine) while the world and its clocks go on. It does not notice. */
import { striking } from '../fault.js';
import { AIM, aimed, downable, parameters, servers } from '../parameters.js';

export const pause = striking({
  id: 'schedule/pause',
  summary: 'servers sleep while the world goes on, and wake at the end',
  needs: ['process', 'schedule'],
  core: false,
  allowed: (budget) => budget.downMax > 0,
  ...parameters({ nodes: servers(downable), aim: AIM }, { shortestMicros: 5_000, longest: { numerator: 3, denominator: 4 } }),
  aim: aimed,
  strike(world, params) {
    const paused = params.nodes.filter((node) => world.pause(node));
    return () => {
      for (const node of paused) world.resume(node);
    };
  },
});
