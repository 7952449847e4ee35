/** Links of the chosen addresses carry little: messages queue behind each other and large ones hold up small ones. */
import { judging } from '../fault.js';
import { addresses, parameters, level, touches } from '../parameters.js';

export const throttle = judging('packet', {
  id: 'network/throttle',
  summary: 'links carry few bytes a second',
  needs: ['network'],
  core: true,
  ...parameters({ among: addresses(), bytesPerSecond: level(500, 200_000) }),
  judge(packet, params) {
    if (packet.phase !== 'send' || packet.from === packet.to || !touches(packet, params.among)) return undefined;
    return { kind: 'throttle', bytesPerSecond: params.bytesPerSecond };
  },
});
