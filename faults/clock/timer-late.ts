/** Timers fire late: an overloaded machine, timer coalescing, a throttled container. */
import { judging } from '../fault.js';
import { amount, hits, parameters, rate, servers } from '../parameters.js';

export const timerLate = judging('timer', {
  id: 'clock/timer-late',
  summary: 'timers of some servers fire late',
  needs: ['clock'],
  core: false,
  ...parameters({ nodes: servers(), rate: rate(300, 1000), micros: amount(500, 5_000_000) }),
  judge(event, params, random) {
    if (params.micros === 0 || !hits(event, params, random)) return undefined;
    return { kind: 'late', micros: random.between(1, params.micros) };
  },
});
