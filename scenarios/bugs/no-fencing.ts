/**
 * Commits do not ask who holds the actor: one that was on its way when its owner was deposed takes effect. Neither do they ask whether the
 * actor is as that owner left it, as the commits of the correct runtime do for another reason (to settle those whose answer was lost).
 */
import { kelpieBug } from './bug.js';
import { unconditional } from './unconditional.js';

export const noFencing = kelpieBug({
  id: 'no-fencing',
  summary: 'commits do not carry the fencing token',
  spec: { module: 'KelpieSingleActivation', config: 'NoFencing' },
  parts: ({ commit }) => ({ fence: () => Promise.resolve(undefined), commit: unconditional(commit) }),
});
