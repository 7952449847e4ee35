/** A model answers with JSON that is none of what was agreed on: the loop of an agent that does not look throws. */
import type { TraceValue } from '../../src/ports.js';
import { judging } from '../fault.js';
import { hits, LONG_EPISODE, parameters, rate, servers } from '../parameters.js';

const ANSWERS: readonly TraceValue[] = [
  null,
  [],
  'text',
  {},
  { type: 'text', text: 7 },
  { type: 'tool-call' },
  { type: 'tool-call', id: null, name: 'count', arguments: 'none' },
  { type: 'tool-call', id: 'x', name: '__proto__', arguments: { name: { nested: [] } } },
];

export const loopPanic = judging('service', {
  id: 'cluster/loop-panic',
  summary: 'the loop of an agent meets answers that make no sense',
  needs: ['service', 'cluster'],
  core: false,
  ...parameters({ nodes: servers(), rate: rate(100, 1000) }, LONG_EPISODE),
  judge(event, params, random) {
    if (event.service !== 'model' || !hits(event, params, random)) return undefined;
    return { kind: 'answer', body: random.pick(ANSWERS) };
  },
});
