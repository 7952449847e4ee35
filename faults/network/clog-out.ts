/** Nothing leaves the chosen servers until the clog is gone; then all of it goes at once. They hear everything. */
import { judging } from '../fault.js';
import { AIM, aimed, parameters, servers } from '../parameters.js';

export const clogOut = judging('packet', {
  id: 'network/clog-out',
  summary: 'messages from some servers wait until the episode ends',
  needs: ['network'],
  core: true,
  ...parameters({ nodes: servers(), aim: AIM }),
  aim: aimed,
  judge: (packet, params) => (packet.phase === 'send' && params.nodes.includes(packet.from) ? { kind: 'hold' } : undefined),
});
