/** Only answers get lost: the call has taken effect and its caller waits for nothing. */
import { judging } from '../fault.js';
import { happens, parameters, rate, servers } from '../parameters.js';

const TOPICS: ReadonlySet<string | undefined> = new Set(['reply']);

export const callTimeout = judging('packet', {
  id: 'cluster/call-timeout',
  summary: 'only answers of some servers get lost',
  needs: ['network', 'cluster'],
  core: false,
  ...parameters({ nodes: servers(), rate: rate(300, 1000) }),
  judge(packet, params, random) {
    if (packet.phase !== 'send' || !TOPICS.has(packet.topic) || !params.nodes.includes(packet.from)) return undefined;
    return happens(params.rate, random) ? { kind: 'drop' } : undefined;
  },
});
