/** A partition that comes and goes: time-outs are never long enough apart to settle on either view. */
import { judging } from '../fault.js';
import { apart, groups } from '../groups.js';
import { parameters, level } from '../parameters.js';

export const flap = judging('packet', {
  id: 'network/flap',
  summary: 'a partition comes and goes many times',
  needs: ['network'],
  core: true,
  ...parameters({ groups, periodMicros: level(20_000, 5_000_000) }),
  judge(packet, params, _random, elapsedMicros) {
    const cut = Math.floor(elapsedMicros / params.periodMicros) % 2 === 0;
    return cut && apart(packet, params.groups) ? { kind: 'drop' } : undefined;
  },
});
