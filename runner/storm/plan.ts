/** Which runs a storm is made of, in which order. A pure function of the plan, so that shards, workers and a resumed storm agree. */
import { type Case, PROFILES, type Profile, type Seed } from '../../src/run.js';
import { z } from 'zod';
import type { Catalogue } from '../catalogue.js';
import { DEFAULT_SCENARIO, find } from '../catalogue.js';
import { draw } from '../draw.js';
import { seedAfter } from '../seed.js';

/** What is stored with results, and must agree when a storm is resumed. */
export interface Plan {
  readonly scenarios: readonly string[];
  readonly profile: Profile;
  readonly bug: string | null;
  readonly from: Seed;
  /** Seeds of the whole storm, all shards together. Each is run in every scenario. */
  readonly seeds: number;
  /** `index` counts from 1. */
  readonly shard: { readonly index: number; readonly of: number };
}

export const SEED_SCHEMA = z.union([z.int().min(0), z.string().regex(/^[0-9a-f]{40}$/)]);

export const PLAN_SCHEMA = z.strictObject({
  scenarios: z.array(z.string()).min(1),
  profile: z.enum(PROFILES),
  bug: z.string().nullable(),
  from: SEED_SCHEMA,
  seeds: z.int().min(1),
  shard: z.strictObject({ index: z.int().min(1), of: z.int().min(1) }),
});

/** The first setting in which two plans differ, as JSON: `there` what the stored one has, `here` what this one has. */
export function settingThatDiffers(
  stored: Plan,
  asked: Plan,
): { readonly name: keyof Plan; readonly there: string; readonly here: string } | undefined {
  for (const name of Object.keys(asked) as (keyof Plan)[]) {
    const [there, here] = [JSON.stringify(stored[name]), JSON.stringify(asked[name])];
    if (there !== here) return { name, there, here };
  }
  return undefined;
}

/** How many runs this shard of the plan has. */
export function runsOf({ scenarios, seeds, shard }: Plan): number {
  return scenarios.length * Math.ceil((seeds - (shard.index - 1)) / shard.of);
}

/** The run at a position of this shard. Scenarios take turns, so that a storm that is cut short has seen all of them. */
export function runAt(plan: Plan, position: number): { readonly scenario: string; readonly seed: Seed } {
  const { scenarios, from, shard } = plan;
  const scenario = scenarios[position % scenarios.length] as string; // a remainder of the length is an index
  const nth = Math.floor(position / scenarios.length);
  return { scenario, seed: seedAfter(from, nth * shard.of + shard.index - 1) };
}

/** Whether these are runs of this plan: where each stands, its scenario and its seed agree. */
export const areOf = (
  plan: Plan,
  results: readonly { readonly position: number; readonly scenario: string; readonly seed: Seed }[],
): boolean =>
  results.every(({ position, scenario, seed }) => {
    const planned = position < runsOf(plan) ? runAt(plan, position) : undefined;
    return planned?.seed === seed && planned.scenario === scenario;
  });

/** Where a run of a shard stands in the whole storm. */
export function wholePosition({ scenarios, shard }: Plan, position: number): number {
  const nth = Math.floor(position / scenarios.length);
  return (nth * shard.of + shard.index - 1) * scenarios.length + (position % scenarios.length);
}

/** The case at a position. Throws UsageError when the catalogue lacks the scenario. */
export function caseAt(plan: Plan, position: number, catalogue: Catalogue): Case {
  const { scenario, seed } = runAt(plan, position);
  return draw(seed, find('scenario', catalogue.scenarios, scenario), {
    faults: catalogue.faults,
    profile: plan.profile,
    ...(plan.bug === null ? {} : { bug: plan.bug }),
  });
}

/** The command that runs one seed of a storm again. */
export function runCommandOf({ profile, bug }: Pick<Plan, 'profile' | 'bug'>, scenario: string, seed: Seed): string {
  return [
    'npx kelpie-dst run',
    ...(scenario === DEFAULT_SCENARIO ? [] : [`--scenario ${scenario}`]),
    `--seed ${seed}`,
    ...(profile === 'swarm' ? [] : [`--profile ${profile}`]),
    ...(bug === null ? [] : [`--bug ${bug}`]),
  ].join(' ');
}
