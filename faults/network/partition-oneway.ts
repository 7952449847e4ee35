/** Messages from one group to the other are lost while answers get through: who is heard need not hear. */
import { judging } from '../fault.js';
import { groups } from '../groups.js';
import { parameters } from '../parameters.js';

export const partitionOneway = judging('packet', {
  id: 'network/partition-oneway',
  summary: 'one group cannot send to the others, which can send to it',
  needs: ['network'],
  core: true,
  ...parameters({ groups }),
  judge(packet, { groups: [muted = [], ...others] }) {
    const lost = muted.includes(packet.from) && others.some((group) => group.includes(packet.to));
    return lost ? { kind: 'drop' } : undefined;
  },
});
