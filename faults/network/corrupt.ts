/** Bits flip on the way. The checksum of the frame must catch every one, so that damage is loss and never a wrong message. */
import { judging } from '../fault.js';
import { addresses, amount, happens, parameters, rate, touches } from '../parameters.js';

export const corrupt = judging('packet', {
  id: 'network/corrupt',
  summary: 'bits of messages flip on the way',
  needs: ['network'],
  core: true,
  ...parameters({ rate: rate(20, 600), among: addresses(), bitFlips: amount(1, 64) }),
  judge(packet, params, random) {
    if (packet.phase !== 'send' || packet.carrier !== 'datagram' || params.bitFlips === 0) return undefined;
    if (!touches(packet, params.among) || !happens(params.rate, random)) return undefined;
    return { kind: 'corrupt', bitFlips: params.bitFlips };
  },
});
