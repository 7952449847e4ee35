/** The wall clock stands still for a while (a stuck time source in a virtual machine), then is set right. */
import { striking } from '../fault.js';
import { ANY_EPISODE, parameters, servers } from '../parameters.js';
import { skewable } from '../shifted-clocks.js';

export const freeze = striking({
  id: 'clock/freeze',
  summary: 'wall clocks of some servers stand still',
  needs: ['clock'],
  core: false,
  allowed: (budget) => skewable(budget) > 0,
  // A clock that stands still is off by as long as it stood.
  ...parameters({ nodes: servers() }, { ...ANY_EPISODE, atMost: skewable }),
  strike(world, params) {
    const since = world.now();
    const frozen = params.nodes.filter((node) => world.clock.freeze(node, true));
    return () => {
      for (const node of frozen) {
        world.clock.freeze(node, false);
        world.clock.jump(node, world.now() - since);
      }
    };
  },
});
