/** Almost every message is as fast as ever and one in a thousand is very slow: the shape of latency in real data centres. */
import { judging } from '../fault.js';
import { addresses, amount, happens, LONG_EPISODE, parameters, rate, touches } from '../parameters.js';

export const tailLatency = judging('packet', {
  id: 'network/tail-latency',
  summary: 'about one message in a thousand is very late',
  needs: ['network'],
  core: true,
  ...parameters({ rate: rate(1, 20), among: addresses(), micros: amount(100_000, 20_000_000) }, LONG_EPISODE),
  judge(packet, params, random) {
    if (packet.phase !== 'send' || params.micros === 0 || !touches(packet, params.among)) return undefined;
    return happens(params.rate, random) ? { kind: 'delay', micros: params.micros } : undefined;
  },
});
