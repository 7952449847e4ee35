/** Only heartbeats get lost: a server is suspected and failed over while it serves everybody as ever. */
import { judging } from '../fault.js';
import { happens, LONG_EPISODE, parameters, rate, servers } from '../parameters.js';

const TOPICS: ReadonlySet<string | undefined> = new Set(['heartbeat', 'heartbeat-ack']);

export const falseSuspicion = judging('packet', {
  id: 'cluster/false-suspicion',
  summary: 'only heartbeats of some servers get lost',
  needs: ['network', 'membership'],
  core: false,
  ...parameters({ nodes: servers(), rate: rate(300, 1000) }, LONG_EPISODE),
  judge(packet, params, random) {
    if (packet.phase !== 'send' || !TOPICS.has(packet.topic) || !params.nodes.includes(packet.from)) return undefined;
    return happens(params.rate, random) ? { kind: 'drop' } : undefined;
  },
});
