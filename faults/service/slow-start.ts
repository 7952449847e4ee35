/** A peer has just been started: at first it answers slowly, then faster and faster until it is warm at the end. */
import { judging } from '../fault.js';
import { amount, callers, LONG_EPISODE, parameters } from '../parameters.js';

export const slowStart = judging('service', {
  id: 'service/slow-start',
  summary: 'peers answer slowly until they are warm',
  needs: ['service'],
  core: false,
  ...parameters({ nodes: callers(), micros: amount(10_000, 30_000_000) }, LONG_EPISODE),
  judge(event, params, _random, elapsedMicros) {
    if (!params.nodes.includes(event.node)) return undefined;
    const cold = params.durationMicros - elapsedMicros;
    const micros = Math.floor((params.micros * cold) / params.durationMicros);
    return micros > 0 ? { kind: 'delay', micros } : undefined;
  },
});
