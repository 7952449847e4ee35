/** A process is woken again and again and there is nothing for it: whoever goes on after a wake-up must look whether it may. */
import { striking } from '../fault.js';
import { level, parameters, servers } from '../parameters.js';

export const spuriousWakeup = striking({
  id: 'schedule/spurious-wakeup',
  summary: 'servers are woken again and again by messages with nothing in them',
  needs: ['schedule', 'network'],
  core: false,
  ...parameters({ nodes: servers(), periodMicros: level(1_000, 500_000) }),
  strike(world, params) {
    const wake = (): void => {
      for (const node of params.nodes) world.network.stray(node);
      world.after(params.periodMicros, wake);
    };
    wake();
  },
});
