/** Which runs are done again to see whether a fault mattered. */
import { describe, expect, test } from 'vitest';
import type { Case } from '../../src/run.js';
import type { CasePool } from '../case-pool.js';
import type { CaseVerdict } from '../case-verdict.js';
import { catalogue } from '../catalogue.js';
import { draw } from '../draw.js';
import type { Plan } from './plan.js';
import { potencies, POTENCY_TRIES } from './potency.js';

const plan: Plan = { scenarios: ['kelpie-cluster'], profile: 'swarm', bug: null, from: 0, seeds: 100, shard: { index: 1, of: 1 } };

/** Answers for each run what it was asked with; muted runs have the effects that `muted` says. */
function poolOf(muted: (seed: unknown) => string) {
  const asked: string[] = [];
  const judge = (run: Case, labels: readonly string[] = []): Promise<CaseVerdict> => {
    const isWhole = labels.length === 0;
    asked.push(`${isWhole ? 'whole' : 'muted'} ${run.seed}`);
    return Promise.resolve({ effects: isWhole ? `whole ${run.seed}` : muted(run.seed) } as CaseVerdict);
  };
  return { asked, pool: { judge } as unknown as CasePool };
}

/** Faults that each of these seeds draws, so that there is something to mute. */
function drawnBy(...seeds: readonly number[]): readonly string[] {
  const drawn = seeds.map((seed) => {
    const scenario = catalogue.scenarios.find(({ id }) => id === 'kelpie-cluster');
    if (scenario === undefined) throw new Error('there is no kelpie-cluster');
    return new Set(draw(seed, scenario, { faults: catalogue.faults }).faults.map(({ id }) => id));
  });
  return [...(drawn[0] ?? [])].filter((id) => drawn.every((ids) => ids.has(id)));
}

describe('potencies', () => {
  const seeds = Array.from({ length: 60 }, (_, seed) => seed).filter((seed) => drawnBy(seed).length >= 2);
  const [early = 0, late = 0] = seeds;
  const [one = '', two = ''] = drawnBy(late);

  test('begins with runs in which many faults fired, and does each of them whole once', async () => {
    const { asked, pool } = poolOf(() => 'another way');
    const firedAt = new Map([
      [one, [early, late]],
      [two, [late]],
    ]);
    expect(await potencies(plan, firedAt, catalogue, pool)).toEqual([one, two].sort().map((id) => ({ id, tried: 1, potent: true })));
    expect(asked.sort()).toEqual([`muted ${late}`, `muted ${late}`, `whole ${late}`]);
  });

  test('calls a fault impotent when no run goes another way without it', async () => {
    const { pool } = poolOf((seed) => `whole ${seed as number}`);
    expect(await potencies(plan, new Map([[one, [early, late]]]), catalogue, pool)).toEqual([{ id: one, tried: 2, potent: false }]);
  });

  test('tries no more runs than it says', async () => {
    const { asked, pool } = poolOf((seed) => `whole ${seed as number}`);
    const firedAt = new Map([[one, Array.from({ length: POTENCY_TRIES + 5 }, (_, position) => position)]]);
    expect(await potencies(plan, firedAt, catalogue, pool)).toEqual([{ id: one, tried: POTENCY_TRIES, potent: false }]);
    expect(new Set(asked.map((ask) => ask.split(' ')[1]))).toHaveLength(POTENCY_TRIES);
  });
});
