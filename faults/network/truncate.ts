/** Messages arrive cut short. The length in the frame must show it. */
import { judging } from '../fault.js';
import { addresses, happens, parameters, rate, touches } from '../parameters.js';

export const truncate = judging('packet', {
  id: 'network/truncate',
  summary: 'messages arrive cut short',
  needs: ['network'],
  core: true,
  ...parameters({ rate: rate(20, 600), among: addresses(), keep: rate(1, 999) }),
  judge(packet, params, random) {
    if (packet.phase !== 'send' || packet.carrier !== 'datagram') return undefined;
    if (!touches(packet, params.among) || !happens(params.rate, random)) return undefined;
    return { kind: 'truncate', keepNumerator: params.keep.numerator, keepDenominator: params.keep.denominator };
  },
});
