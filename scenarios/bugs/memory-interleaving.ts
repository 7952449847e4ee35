/** Operations on one agent's memory do not wait for each other: two that read before either has written lose one of their changes. */
import { kelpieBug } from './bug.js';

export const memoryInterleaving = kelpieBug({
  id: 'memory-interleaving',
  summary: "two updates of one agent's memory interleave",
  parts: ({ memory }) => ({ memory: { ...memory, lane: () => ({ run: (operation) => operation() }) } }),
});
