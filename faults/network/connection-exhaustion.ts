/** A machine runs out of connections: it keeps those in use and gets no new one, so whom it talks to depends on who came first. */
import { striking } from '../fault.js';
import { parameters, level, servers } from '../parameters.js';

export const connectionExhaustion = striking({
  id: 'network/connection-exhaustion',
  summary: 'servers can hold connections to few peers at once',
  needs: ['network'],
  core: true,
  ...parameters({ nodes: servers(), connectionsMax: level(1, 3) }),
  strike(world, params) {
    const limited = params.nodes.filter((node) => world.network.limitConnections(node, params.connectionsMax));
    return () => {
      for (const node of limited) world.network.limitConnections(node, undefined);
    };
  },
});
