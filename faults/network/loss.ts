/** Messages that leave or reach the chosen addresses get lost. A stream repairs the loss and pays with time. */
import { judging } from '../fault.js';
import { addresses, happens, parameters, rate, touches } from '../parameters.js';

export const loss = judging('packet', {
  id: 'network/loss',
  summary: 'messages to and from some addresses get lost at a rate',
  needs: ['network'],
  core: true,
  ...parameters({ rate: rate(10, 600), among: addresses() }),
  judge(packet, params, random) {
    if (packet.phase !== 'send' || !touches(packet, params.among)) return undefined;
    return happens(params.rate, random) ? { kind: 'drop' } : undefined;
  },
});
