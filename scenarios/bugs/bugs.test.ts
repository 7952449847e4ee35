/**
 * Every known bug takes the place of a part and names a spec that there is. A few that show within some seeds are found here by the
 * default scenario and draw; `npm run bugs:gate` does the same for all that the table in docs/detection.md promises.
 */
import { describe, expect, it } from 'vitest';
import { faults } from '../../faults/index.js';
import { draw } from '../../runner/draw.js';
import { readSpecs } from '../../runner/tla/spec-catalogue.js';
import { correctParts, type KelpieParts } from '../../src/kelpie/parts.js';
import type { Run } from '../../src/run.js';
import { simulate } from '../../src/sim/simulate.js';
import { kelpieCluster } from '../kelpie-cluster.js';
import { bugs, type KnownBug } from './index.js';

const SEEDS = 100;
const CLEAN_SEEDS = 15;
const TIMEOUT_MS = 60_000;
/** One of each kind: keys, state, claim, lease. */
const QUICK = ['kv-write-through', 'state-only-commit', 'racy-claim'];

async function runOf(seed: number, bug?: KnownBug): Promise<Run> {
  const drawn = draw(seed, kelpieCluster, { faults, ...(bug === undefined ? {} : { bug: bug.id }) });
  const parts = bug === undefined ? {} : { parts: bug.parts(kelpieCluster.parts) as KelpieParts };
  return (await simulate(drawn, { scenario: kelpieCluster, faults, ...parts })).run;
}

describe.each(bugs.map((bug) => [bug.id, bug] as const))('%s', (_, bug) => {
  it('takes the place of parts that there are, and leaves the others', () => {
    const parts = bug.parts(correctParts) as KelpieParts;
    const names = Object.keys(correctParts) as (keyof KelpieParts)[];
    expect(Object.keys(parts).sort()).toEqual([...names].sort());
    const replaced = names.filter((name) => parts[name] !== correctParts[name]);
    expect(replaced.length).toBeGreaterThan(0);
    expect(replaced.length).toBeLessThanOrEqual(2);
  });
});

it('each names a spec, and a configuration of it that breaks an invariant', () => {
  const configs = readSpecs().flatMap(({ module, bugs: variants }) => variants.map(({ variant }) => `${module}/${variant}`));
  for (const { id, spec } of bugs) {
    if (spec !== undefined)
      expect({ id, configs }).toEqual({ id, configs: expect.arrayContaining([`${spec.module}/${spec.config}`]) as string[] });
  }
});

describe.each(QUICK)('%s', (id) => {
  it(
    `is found within ${SEEDS} seeds, by a promise`,
    async () => {
      const bug = bugs.find((one) => one.id === id);
      if (bug === undefined) throw new Error(`there is no bug ${id}`);
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
