/** Every known bug is found by the default scenario and the default draw within a few seeds, and the correct assembly passes them. */
import { describe, expect, it } from 'vitest';
import { faults } from '../../faults/index.js';
import { draw } from '../../runner/draw.js';
import type { Run } from '../../src/run.js';
import { simulate } from '../../src/sim/simulate.js';
import { kelpieCluster } from '../kelpie-cluster.js';
import { bugs, type KnownBug } from './index.js';

const SEEDS = 200;
const CLEAN_SEEDS = 25;
const TIMEOUT_MS = 60_000;

async function runOf(seed: number, bug?: KnownBug): Promise<Run> {
  const drawn = draw(seed, kelpieCluster, { faults, ...(bug === undefined ? {} : { bug: bug.id }) });
  const parts = bug === undefined ? {} : { parts: bug.parts(kelpieCluster.parts) as typeof kelpieCluster.parts };
  return (await simulate(drawn, { scenario: kelpieCluster, faults, ...parts })).run;
}

describe.each(bugs.map((bug) => [bug.id, bug] as const))('%s', (_, bug) => {
  it(
    `is found within ${SEEDS} seeds, by a promise`,
    async () => {
      for (let seed = 1; seed <= SEEDS; seed++) {
        const { verdict, violations, reason } = await runOf(seed, bug);
        if (verdict === 'pass') continue;
        expect({ seed, verdict, reason }).toMatchObject({ seed, verdict: 'violation' });
        expect(violations[0]?.expected).toBeTruthy();
        return;
      }
      expect.fail(`${bug.id} was not found in ${SEEDS} seeds`);
    },
    TIMEOUT_MS,
  );
});

it(
  `the correct assembly passes ${CLEAN_SEEDS} seeds, each the same twice`,
  async () => {
    for (let seed = 1; seed <= CLEAN_SEEDS; seed++) {
      const { verdict, reason, violations, pending, traceHash } = await runOf(seed);
      expect({ seed, verdict, reason, violations, pending }).toEqual({ seed, verdict: 'pass', violations: [], pending: [] });
      expect((await runOf(seed)).traceHash).toBe(traceHash);
    }
  },
  TIMEOUT_MS,
);
