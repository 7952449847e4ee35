/** The network falls apart into groups that cannot reach each other, also for what is in flight. */
import { judging } from '../fault.js';
import { apart, groups } from '../groups.js';
import { parameters } from '../parameters.js';

export const partition = judging('packet', {
  id: 'network/partition',
  summary: 'groups of servers, database and clients cannot reach each other',
  needs: ['network'],
  core: true,
  ...parameters({ groups }),
  judge: (packet, params) => (apart(packet, params.groups) ? { kind: 'drop' } : undefined),
});
