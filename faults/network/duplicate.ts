/** Datagrams arrive more than once, the copies some time later. At-most-once is the program's own business. */
import { judging } from '../fault.js';
import { addresses, amount, happens, parameters, rate, touches } from '../parameters.js';

export const duplicate = judging('packet', {
  id: 'network/duplicate',
  summary: 'messages arrive more than once',
  needs: ['network'],
  core: true,
  ...parameters({ rate: rate(50, 1000), among: addresses(), copies: amount(1, 4), spreadMicros: amount(100, 5_000_000) }),
  judge(packet, params, random) {
    if (packet.phase !== 'send' || packet.carrier !== 'datagram' || params.copies === 0) return undefined;
    if (!touches(packet, params.among) || !happens(params.rate, random)) return undefined;
    return { kind: 'duplicate', copies: params.copies, spreadMicros: params.spreadMicros };
  },
});
