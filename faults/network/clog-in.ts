/** Nothing reaches the chosen servers until the clog is gone; then all of it comes at once. What they send gets through. */
import { judging } from '../fault.js';
import { AIM, aimed, parameters, servers } from '../parameters.js';

export const clogIn = judging('packet', {
  id: 'network/clog-in',
  summary: 'messages to some servers wait until the episode ends',
  needs: ['network'],
  core: true,
  ...parameters({ nodes: servers(), aim: AIM }),
  aim: aimed,
  judge: (packet, params) => (packet.phase === 'arrive' && params.nodes.includes(packet.to) ? { kind: 'hold' } : undefined),
});
