/** A tool of an MCP server reports that it failed, after it may have done part of its work. Only tools do: the model and plain HTTP are as ever. */
import { judging } from '../fault.js';
import { callers, hits, LONG_EPISODE, parameters, rate } from '../parameters.js';

export const toolFail = judging('service', {
  id: 'service/tool-fail',
  summary: 'tools report failure',
  needs: ['service'],
  core: false,
  ...parameters({ nodes: callers(), rate: rate(100, 1000) }, LONG_EPISODE),
  judge(event, params, random) {
    if (event.service !== 'tools' || !hits(event, params, random)) return undefined;
    return { kind: 'status', status: 500, headers: { 'x-tool-error': 'failed' }, acted: random.chance(1, 2) };
  },
});
