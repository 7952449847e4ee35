/** The disk moves few bytes a second, as a cloud volume that has used up its burst credit: time grows with length. */
import { judging } from '../fault.js';
import { level, LONG_EPISODE, parameters, servers } from '../parameters.js';

const MILLION = 1_000_000;

export const throttle = judging('disk', {
  id: 'disk/throttle',
  summary: 'disks move few bytes a second',
  needs: ['disk'],
  core: true,
  ...parameters({ nodes: servers(), bytesPerSecond: level(1_000, 1_000_000) }, LONG_EPISODE),
  judge(event, params) {
    if (event.length === 0 || !params.nodes.includes(event.node)) return undefined;
    return { kind: 'delay', micros: Math.ceil((event.length * MILLION) / params.bytesPerSecond) };
  },
});
