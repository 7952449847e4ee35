/** A model makes an agent up and has it asked: the call goes to somebody who is not there. */
import { judging } from '../fault.js';
import { hits, LONG_EPISODE, parameters, rate, servers } from '../parameters.js';

const NAMES = 1_000;

export const agentNotFound = judging('service', {
  id: 'cluster/agent-not-found',
  summary: 'agents are made to ask others that do not exist',
  needs: ['service', 'cluster'],
  core: false,
  ...parameters({ nodes: servers(), rate: rate(100, 1000) }, LONG_EPISODE),
  judge(event, params, random) {
    if (event.service !== 'model' || !hits(event, params, random)) return undefined;
    const call = { agent: `nobody-${random.int(NAMES)}`, text: 'are you there?' };
    return { kind: 'answer', body: { type: 'tool-call', id: 'made-up', name: 'ask_agent', arguments: call } };
  },
});
