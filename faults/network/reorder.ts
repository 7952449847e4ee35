/** Datagrams that arrive are held back for a moment, so that later ones overtake them; none is lost and none is late for long. */
import { judging } from '../fault.js';
import { addresses, amount, happens, parameters, rate, touches } from '../parameters.js';

export const reorder = judging('packet', {
  id: 'network/reorder',
  summary: 'messages overtake each other within a short window',
  needs: ['network'],
  core: true,
  ...parameters({ rate: rate(50, 700), among: addresses(), windowMicros: amount(100, 100_000) }),
  judge(packet, params, random) {
    if (packet.phase !== 'arrive' || packet.carrier !== 'datagram' || params.windowMicros === 0) return undefined;
    if (!touches(packet, params.among) || !happens(params.rate, random)) return undefined;
    return { kind: 'delay', micros: random.between(1, params.windowMicros) };
  },
});
