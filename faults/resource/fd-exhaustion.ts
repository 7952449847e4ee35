/** A process has no file descriptor left: it opens no file (EMFILE) and no connection to anybody new. */
import { judging } from '../fault.js';
import { parameters, servers } from '../parameters.js';

export const fdExhaustion = judging('disk', {
  id: 'resource/fd-exhaustion',
  summary: 'servers can open no file and no new connection',
  needs: ['disk', 'network', 'resource'],
  core: false,
  ...parameters({ nodes: servers() }),
  judge: (event, params) =>
    event.operation === 'open' && params.nodes.includes(event.node) ? { kind: 'fail', code: 'EMFILE' } : undefined,
  strike(world, params) {
    const limited = params.nodes.filter((node) => world.network.limitConnections(node, 1));
    return () => {
      for (const node of limited) world.network.limitConnections(node, undefined);
    };
  },
});
