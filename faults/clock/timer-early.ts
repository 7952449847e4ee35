/** Timers fire up to a millisecond early: clocks of different grain do that on real machines, Node.js among them. */
import { judging } from '../fault.js';
import { amount, hits, parameters, rate, servers } from '../parameters.js';

const GRAIN_MICROS = 1_000;

export const timerEarly = judging('timer', {
  id: 'clock/timer-early',
  summary: 'timers of some servers fire up to a millisecond early',
  needs: ['clock'],
  core: false,
  ...parameters({ nodes: servers(), rate: rate(300, 1000), micros: amount(1, GRAIN_MICROS) }),
  judge(event, params, random) {
    if (params.micros === 0 || !hits(event, params, random)) return undefined;
    return { kind: 'early', micros: random.between(1, params.micros) };
  },
});
