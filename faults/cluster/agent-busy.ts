/** A model takes its time, so that agents work on one message for long: who calls them meanwhile finds them busy. */
import { judging } from '../fault.js';
import { amount, hits, LONG_EPISODE, parameters, rate, servers } from '../parameters.js';

export const agentBusy = judging('service', {
  id: 'cluster/agent-busy',
  summary: 'agents work on one message for long, because their model takes its time',
  needs: ['service', 'cluster'],
  core: false,
  ...parameters({ nodes: servers(), rate: rate(300, 1000), micros: amount(2_000_000, 60_000_000) }, LONG_EPISODE),
  judge(event, params, random) {
    if (event.service !== 'model' || params.micros === 0 || !hits(event, params, random)) return undefined;
    return { kind: 'delay', micros: random.between(1, params.micros) };
  },
});
