/**
 * A new version is rolled out server by server, so that two versions run at once, and rolled back at the end. What the versions
 * differ in is the scenario's to say.
 */
import type { NodeId } from '../../src/ports.js';
import { striking } from '../fault.js';
import { LONG_EPISODE, level, parameters, servers } from '../parameters.js';
import { restartWith } from '../restart-with.js';

export const rollingUpgrade = striking({
  id: 'crash/rolling-upgrade',
  summary: 'two versions run at once while one is rolled out and back',
  needs: ['process', 'cluster'],
  core: false,
  allowed: (budget) => budget.downMax > 0,
  ...parameters({ nodes: servers(), stepMicros: level(100_000, 3_000_000) }, LONG_EPISODE),
  strike(world, params) {
    const rollBacks: (() => void)[] = [];
    const next = (nodes: readonly NodeId[]): void => {
      const [node, ...rest] = nodes;
      if (node === undefined) return;
      rollBacks.push(restartWith(world, [node], 'next-version'));
      world.after(params.stepMicros, () => next(rest));
    };
    next(params.nodes);
    return () => {
      for (const rollBack of rollBacks) rollBack();
    };
  },
});
