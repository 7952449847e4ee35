/**
 * How much it takes to find a known bug: storms from different first seeds, each until a run fails. A run counts only when the same seed
 * passes without the bug, so that what the table says is found is the bug and nothing else.
 */
import type { Seed, Verdict } from '../../src/run.js';
import type { Catalogue } from '../catalogue.js';
import { seedAfter } from '../seed.js';
import { type Plan, runsOf } from '../storm/plan.js';
import type { SeedResult } from '../storm/seed-result.js';
import { runStorm } from '../storm/storm.js';
import type { WatchedPool } from '../watched-pool.js';

export interface HuntOptions {
  readonly catalogue: Catalogue;
  readonly catalogueUrl?: URL;
  readonly scenarios: readonly string[];
  /** Storms against each bug. */
  readonly storms: number;
  /** Seeds of one storm at most, each run in every scenario, in turns. */
  readonly seeds: number;
  /** The first seed of the first storm. */
  readonly from: Seed;
  /** Threads for the runs. */
  readonly pool: WatchedPool;
  readonly signal?: AbortSignal;
}

/** One storm. */
export interface Chase {
  readonly from: Seed;
  /** The run that failed; undefined when none of them did. */
  readonly found: Finding | undefined;
  /** Seeds and runs up to and including it. */
  readonly seeds: number;
  readonly runs: number;
  readonly seconds: number;
  /** Runs that failed without the bug too, and do not count. */
  readonly alsoWithout: readonly SeedResult[];
}

export interface Finding {
  readonly scenario: string;
  readonly seed: Seed;
  readonly verdict: Verdict;
  /** Null when no invariant was broken: a run that hung, crashed or did not converge. */
  readonly invariant: string | null;
}

/** Seeds between the first ones of two storms: more than a storm has. */
const STRIDE = 1_000_000;

/** Where a storm begins. */
export const baseOf = (from: Seed, storm: number): Seed => seedAfter(from, storm * STRIDE);

/** Runs one storm against a bug. Rejects when it is interrupted. */
async function chase(bug: string, storm: number, options: HuntOptions): Promise<Chase> {
  const { catalogue, scenarios, seeds, signal } = options;
  const from = baseOf(options.from, storm);
  const plan: Plan = { scenarios, profile: 'swarm', bug, from, seeds, shard: { index: 1, of: 1 } };
  const done = new Set<number>();
  const alsoWithout: SeedResult[] = [];
  const begunMs = performance.now();
  const run = async (asked: Plan, skip: ReadonlySet<number>): Promise<SeedResult | undefined> => {
    let failure: SeedResult | undefined;
    const stopped = await runStorm(asked, {
      catalogue,
      pool: options.pool,
      workers: 1,
      failFast: true,
      done: skip,
      ...(options.catalogueUrl === undefined ? {} : { catalogueUrl: options.catalogueUrl }),
      ...(signal === undefined ? {} : { signal }),
      onResults(results) {
        for (const result of results) {
          if (asked === plan) done.add(result.position);
          if (result.verdict !== 'pass') failure ??= result;
        }
      },
    });
    if (stopped === 'interrupted') throw signal?.reason;
    return failure;
  };
  const ended = (found: Finding | undefined, runs: number): Chase => ({
    from,
    found,
    seeds: Math.ceil(runs / scenarios.length),
    runs,
    seconds: (performance.now() - begunMs) / 1_000,
    alsoWithout,
  });
  for (;;) {
    const failure = await run(plan, done);
    if (failure === undefined) return ended(undefined, runsOf(plan));
    const { position, scenario, seed, verdict, invariant } = failure;
    const control = await run({ ...plan, scenarios: [scenario], bug: null, from: seed, seeds: 1 }, new Set());
    if (control === undefined) return ended({ scenario, seed, verdict, invariant }, position + 1);
    alsoWithout.push(failure);
  }
}

/** Storms against one bug, one after the other. Ends early when most of them have failed to find it. */
export async function hunt(bug: string, options: HuntOptions): Promise<readonly Chase[]> {
  const { storms } = options;
  const chases: Chase[] = [];
  let missed = 0;
  while (chases.length < storms && missed * 2 <= storms) {
    const one = await chase(bug, chases.length, options);
    if (one.found === undefined) missed++;
    chases.push(one);
  }
  return chases;
}
