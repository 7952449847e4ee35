/** Messages take longer: each one that it hits waits up to `micros`, so that they also overtake each other. */
import { judging } from '../fault.js';
import { addresses, amount, happens, parameters, rate, touches } from '../parameters.js';

export const delay = judging('packet', {
  id: 'network/delay',
  summary: 'messages to and from some addresses are late by a random time',
  needs: ['network'],
  core: true,
  ...parameters({ rate: rate(20, 1000), among: addresses(), micros: amount(200, 3_000_000) }),
  judge(packet, params, random) {
    if (packet.phase !== 'send' || params.micros === 0 || !touches(packet, params.among)) return undefined;
    return happens(params.rate, random) ? { kind: 'delay', micros: random.between(1, params.micros) } : undefined;
  },
});
