/** A neighbour takes the processor: every step of a server waits for its share of it. */
import { judging } from '../fault.js';
import { amount, parameters, servers } from '../parameters.js';

export const cpuStarvation = judging('step', {
  id: 'resource/cpu-starvation',
  summary: 'every step of some servers waits for the processor',
  needs: ['process', 'resource'],
  core: false,
  ...parameters({ nodes: servers(), micros: amount(100, 200_000) }),
  judge(event, params, random) {
    if (params.micros === 0 || !params.nodes.includes(event.node)) return undefined;
    return { kind: 'delay', micros: random.between(1, params.micros) };
  },
});
