/** A server runs all that it can before anybody else gets a turn. */
import { judging } from '../fault.js';
import { happens, parameters, rate, servers, single } from '../parameters.js';

export const burst = judging('schedule', {
  id: 'schedule/burst',
  summary: 'one server runs all it can before anybody else',
  needs: ['schedule'],
  core: false,
  ...parameters({ nodes: servers(single), rate: rate(300, 1000) }),
  judge(event, params, random) {
    const index = event.nodes.findIndex((node) => params.nodes.includes(node));
    return index >= 0 && happens(params.rate, random) ? { kind: 'choose', index } : undefined;
  },
});
