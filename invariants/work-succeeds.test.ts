/** Parts that refuse all they are asked for keep every promise of safety. Planted into the runtime, each is found by the promises of success. */
import { describe, expect, it } from 'vitest';
import { faults } from '../faults/index.js';
import { draw } from '../runner/draw.js';
import { kelpieCluster } from '../scenarios/kelpie-cluster.js';
import { leaseHandover } from '../scenarios/lease-handover.js';
import type { Scenario } from '../scenarios/scenario.js';
import { walRecovery } from '../scenarios/wal-recovery.js';
import { zombieOwner } from '../scenarios/zombie-owner.js';
import { KelpieError, type KelpieErrorCode } from '../src/kelpie/errors.js';
import { correctParts, type KelpieParts } from '../src/kelpie/parts.js';
import type { Run } from '../src/run.js';
import type { OperationEvent } from '../src/story.js';
import { simulate } from '../src/sim/simulate.js';
import { asked } from './fixtures/story.js';
import type { Breach, Knobs, Told } from './invariant.js';
import { workSucceeds } from './work-succeeds.js';

const SEEDS = 25;
const TIMEOUT_MS = 60_000;
/** Runs with logs of so few bytes that they get full. */
const FULL_LOGS = 5;
const BYTES_MAX = 3_000;

const refuse = (code: KelpieErrorCode) => (): Promise<never> => Promise.reject(new KelpieError(code, 'planted'));
const withLog = (code: KelpieErrorCode): KelpieParts => ({
  ...correctParts,
  wal: { ...correctParts.wal, findOrAppend: refuse(code) },
});
const neverTakingOver: KelpieParts = {
  ...correctParts,
  leaseJudge(clock) {
    const judge = correctParts.leaseJudge(clock);
    return { expired: (actor, lease) => void judge.expired(actor, lease), forget: (actor) => judge.forget(actor) };
  },
};

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
  ['a lease that nobody ever takes over', zombieOwner, neverTakingOver, 'leases-are-taken-over'],
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

const SECOND = 1_000_000;

// Seed 63014 of `phantom-list`: no fault, and one message in 52 takes a second longer.
describe('a lease that lapses without a fault', () => {
  const KNOBS: Knobs = {
    storeMicros: 5 * SECOND,
    leaseMicros: 3 * SECOND,
    heartbeatMicros: SECOND,
    heartbeatsMissedFailed: 4,
    forwardMicros: 2 * SECOND,
  };
  const judge = (micros: number, ...before: readonly Told[]): Breach | undefined => {
    const fold = workSucceeds.start(KNOBS);
    const bodies: readonly Told[] = [asked('w', 'write', ['a']), ...before];
    for (const [index, body] of bodies.entries()) fold.observe({ index, at: index, node: 'n1', life: 1, cause: index - 1, body });
    const end: Told = { type: 'op.info', op: 'w', code: 'timeout' };
    return fold.observe({ index: bodies.length, at: micros, node: 'c1', life: 1, cause: 0, body: end });
  };
  const lapses: Told = { type: 'lease.expire-local', actor: 'a', token: 1 };

  it('lets who wants the actor begin anew, once', () => {
    expect(judge(10 * SECOND)?.seen).toMatch(/^it is refused as timeout/);
    expect(judge(23 * SECOND - 1, lapses)).toBeUndefined();
    expect(judge(23 * SECOND, lapses)?.seen).toMatch(/^it is refused as timeout/);
  });
});

describe('a log that is full', () => {
  const KEPT: Knobs = { walKeptMicros: 12 * SECOND };

  const judge = (knobs: Knobs, code: string, micros: number): Breach | undefined => {
    const fold = workSucceeds.start(knobs);
    const lines: readonly (readonly [at: number, body: Told])[] = [
      [0, asked('w', 'write', ['a'])],
      [micros, { type: 'op.fail', op: 'w', code }],
    ];
    for (const [index, [at, body]] of lines.entries()) {
      const breach = fold.observe({ index, at, node: 'c1', life: 1, cause: index - 1, body });
      if (breach !== undefined) return breach;
    }
    return undefined;
  };

  it('makes room when what has ended in it has been kept for as long as is promised, and not later', () => {
    expect(judge(KEPT, 'overloaded', 22 * SECOND - 1)).toBeUndefined();
    expect(judge(KEPT, 'overloaded', 22 * SECOND)?.seen).toMatch(/^it is refused as overloaded.*; 22000000 us have passed$/);
  });

  it('is no excuse for another refusal, nor where nothing is kept', () => {
    expect(judge(KEPT, 'node-unavailable', 10 * SECOND)?.seen).toMatch(/^it is refused as node-unavailable/);
    expect(judge({}, 'overloaded', 10 * SECOND)?.seen).toMatch(/^it is refused as overloaded/);
  });

  it(
    'refuses for a while and then takes all again (wal-recovery, seeds 5300 and 5733)',
    async () => {
      const { verdicts, refused } = await runsWithFullLogs(walRecovery);
      expect(verdicts).toEqual(new Map([['pass', FULL_LOGS]]));
      // Otherwise they say nothing of a log that is full.
      expect(refused).toBe(FULL_LOGS);
    },
    TIMEOUT_MS,
  );

  it(
    'breaks the promise when it keeps for longer than it says',
    async () => {
      const hoarding: Scenario<KelpieParts> = {
        ...walRecovery,
        serve: (platform, stage) => walRecovery.serve(platform, { ...stage, knobs: { ...stage.knobs, walKeptMicros: 3_600 * SECOND } }),
      };
      expect((await runsWithFullLogs(hoarding)).verdicts).toEqual(new Map([['work-succeeds', FULL_LOGS]]));
    },
    TIMEOUT_MS,
  );
});

/** Runs without faults whose logs get full: how many came to which end, a promise or a verdict, and in how many a put was refused for it. */
async function runsWithFullLogs(
  scenario: Scenario<KelpieParts>,
): Promise<{ readonly verdicts: ReadonlyMap<string, number>; readonly refused: number }> {
  const verdicts = new Map<string, number>();
  let refused = 0;
  for (let seed = 1; seed <= FULL_LOGS; seed++) {
    const drawn = draw(seed, scenario, { faults, profile: 'none' });
    const { run, trace } = await simulate({ ...drawn, knobs: { ...drawn.knobs, bytesMax: BYTES_MAX } }, { scenario, faults, record: true });
    const end = run.violations[0]?.invariant ?? run.verdict;
    verdicts.set(end, (verdicts.get(end) ?? 0) + 1);
    const bodies = trace.map(({ body }) => body as OperationEvent);
    if (bodies.some((body) => body.type === 'op.fail' && body.code === 'overloaded')) refused += 1;
  }
  return { verdicts, refused };
}
