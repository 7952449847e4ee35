/** Parts that refuse all they are asked for keep every promise of safety. Planted into the runtime, each is found by the promises of success. */
import { describe, expect, it } from 'vitest';
import { faults } from '../faults/index.js';
import { draw } from '../runner/draw.js';
import { kelpieCluster } from '../scenarios/kelpie-cluster.js';
import { leaseHandover } from '../scenarios/lease-handover.js';
import type { Scenario } from '../scenarios/scenario.js';
import { walRecovery } from '../scenarios/wal-recovery.js';
import { KelpieError, type KelpieErrorCode } from '../src/kelpie/errors.js';
import { correctParts, type KelpieParts } from '../src/kelpie/parts.js';
import type { Run } from '../src/run.js';
import { simulate } from '../src/sim/simulate.js';

const SEEDS = 25;
const TIMEOUT_MS = 60_000;

const refuse = (code: KelpieErrorCode) => (): Promise<never> => Promise.reject(new KelpieError(code, 'planted'));
const withLog = (code: KelpieErrorCode): KelpieParts => ({
  ...correctParts,
  wal: { ...correctParts.wal, findOrAppend: refuse(code) },
});

/** The first of a few default seeds that does not pass. */
async function firstFailure(scenario: Scenario<KelpieParts>, parts: KelpieParts): Promise<Run> {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { run } = await simulate(draw(seed, scenario, { faults }), { scenario, faults, parts });
    if (run.verdict !== 'pass') return run;
  }
  throw new Error(`nothing was found in ${SEEDS} seeds of ${scenario.id}`);
}

describe.each<[string, Scenario<KelpieParts>, KelpieParts, string]>([
  ['a log that takes no argument', walRecovery, withLog('invalid-argument'), 'work-succeeds'],
  ['a log that is always full', walRecovery, withLog('overloaded'), 'work-succeeds'],
  ['a log that is always full, below agents', kelpieCluster, withLog('overloaded'), 'untouched-journals-are-usable'],
  ['a renewal that is always refused', leaseHandover, { ...correctParts, renew: refuse('store-unavailable') }, 'leases-are-renewed'],
  ['a commit that always conflicts', kelpieCluster, { ...correctParts, commit: refuse('transaction-conflict') }, 'work-succeeds'],
])('%s', (_, scenario, parts, promise) => {
  it(
    `breaks ${promise}`,
    async () => {
      const { verdict, violations } = await firstFailure(scenario, parts);
      expect({ verdict, promises: violations.map(({ invariant }) => invariant) }).toEqual({ verdict: 'violation', promises: [promise] });
    },
    TIMEOUT_MS,
  );
});
