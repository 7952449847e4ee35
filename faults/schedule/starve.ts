/** A server runs only when nobody else can: everything else that is ready at the same moment goes first. */
import { judging } from '../fault.js';
import { happens, parameters, rate, servers, single } from '../parameters.js';

export const starve = judging('schedule', {
  id: 'schedule/starve',
  summary: 'one server runs only when nobody else can',
  needs: ['schedule'],
  core: false,
  ...parameters({ nodes: servers(single), rate: rate(300, 1000) }),
  judge(event, params, random) {
    if (!event.nodes.some((node) => params.nodes.includes(node))) return undefined;
    const index = event.nodes.findIndex((node) => !params.nodes.includes(node));
    return index >= 0 && happens(params.rate, random) ? { kind: 'choose', index } : undefined;
  },
});
