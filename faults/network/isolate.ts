/** Single servers lose everybody: peers, clients, the database. They run on and believe what they knew. */
import { judging } from '../fault.js';
import { AIM, aimed, downable, parameters, servers, touches } from '../parameters.js';

export const isolate = judging('packet', {
  id: 'network/isolate',
  summary: 'single servers can reach nobody and be reached by nobody',
  needs: ['network'],
  core: true,
  allowed: (budget) => budget.downMax > 0,
  ...parameters({ nodes: servers(downable), aim: AIM }),
  aim: aimed,
  judge: (packet, params) => (packet.from !== packet.to && touches(packet, params.nodes) ? { kind: 'drop' } : undefined),
});
