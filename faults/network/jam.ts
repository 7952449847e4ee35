/** A partition that loses nothing: messages between the groups queue up, and all of them arrive when it ends. */
import { judging } from '../fault.js';
import { apart, groups } from '../groups.js';
import { parameters } from '../parameters.js';

export const jam = judging('packet', {
  id: 'network/jam',
  summary: 'messages between groups queue up and arrive together at the end',
  needs: ['network'],
  core: true,
  ...parameters({ groups }),
  judge: (packet, params) => (packet.phase === 'arrive' && apart(packet, params.groups) ? { kind: 'hold' } : undefined),
});
