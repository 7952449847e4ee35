/** Commits do not ask who holds the actor: one that was on its way when its owner was deposed takes effect. */
import { kelpieBug } from './bug.js';

export const noFencing = kelpieBug({
  id: 'no-fencing',
  summary: 'commits do not carry the fencing token',
  spec: { module: 'KelpieSingleActivation', config: 'NoFencing' },
  parts: () => ({ fence: () => Promise.resolve(undefined) }),
});
