/** Messages meant for one server reach another, as after an address was given to a new machine. Each must notice that it is not meant. */
import { judging } from '../fault.js';
import { happens, parameters, rate, servers } from '../parameters.js';

export const misdeliver = judging('packet', {
  id: 'network/misdeliver',
  summary: 'messages reach another server than the one they were sent to',
  needs: ['network'],
  core: true,
  allowed: (budget) => budget.nodes.length > 1,
  ...parameters({ rate: rate(50, 600), nodes: servers((budget) => budget.nodes.length, 2) }),
  judge(packet, params, random) {
    if (packet.phase !== 'send' || packet.carrier !== 'datagram' || !params.nodes.includes(packet.to)) return undefined;
    const others = params.nodes.filter((node) => node !== packet.to);
    if (others.length === 0 || !happens(params.rate, random)) return undefined;
    return { kind: 'misdeliver', to: random.pick(others) };
  },
});
