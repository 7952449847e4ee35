/** Which runs are done again to see whether a fault mattered. */
import { describe, expect, test } from 'vitest';
import type { Case } from '../../src/run.js';
import { catalogue } from '../catalogue.js';
import { draw } from '../draw.js';
import type { Plan } from './plan.js';
import { potencies, POTENCY_TRIES } from './potency.js';

const plan: Plan = { scenarios: ['kelpie-cluster'], profile: 'swarm', bug: null, from: 0, seeds: 100, shard: { index: 1, of: 1 } };

/** Remembers what it was asked. */
function poolOf(differs: boolean) {
  const asked: string[] = [];
  const pool = {
    stepsOf(run: Case) {
      asked.push(`whole ${run.seed}`);
      return Promise.resolve(Int32Array.of(1));
    },
    differs(run: Case) {
      asked.push(`muted ${run.seed}`);
      return Promise.resolve(differs);
    },
  };
  return { asked, pool };
}

const runsAt = (...positions: readonly number[]) => positions.map((position) => ({ position, events: 1_000 }));

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
    const { asked, pool } = poolOf(true);
    const firedAt = new Map([
      [one, runsAt(early, late)],
      [two, runsAt(late)],
    ]);
    expect(await potencies(plan, firedAt, catalogue, pool)).toEqual([one, two].sort().map((id) => ({ id, tried: 1, potent: true })));
    expect(asked.sort()).toEqual([`muted ${late}`, `muted ${late}`, `whole ${late}`]);
  });

  test('begins with a short run, where a long one shows no more than twice as many faults in three times as many events', async () => {
    const { asked, pool } = poolOf(true);
    const firedAt = new Map([
      [one, [...runsAt(early), { position: late, events: 3_000 }]],
      [two, [{ position: late, events: 3_000 }]],
    ]);
    await potencies(plan, firedAt, catalogue, pool);
    expect(asked.filter((ask) => ask.startsWith('whole')).sort()).toEqual([`whole ${early}`, `whole ${late}`].sort());
  });

  test('calls a fault impotent when no run goes another way without it', async () => {
    const { pool } = poolOf(false);
    expect(await potencies(plan, new Map([[one, runsAt(early, late)]]), catalogue, pool)).toEqual([{ id: one, tried: 2, potent: false }]);
  });

  test('tries no more runs than it says', async () => {
    const { asked, pool } = poolOf(false);
    const firedAt = new Map([[one, runsAt(...Array.from({ length: POTENCY_TRIES + 5 }, (_, position) => position))]]);
    expect(await potencies(plan, firedAt, catalogue, pool)).toEqual([{ id: one, tried: POTENCY_TRIES, potent: false }]);
    expect(new Set(asked.map((ask) => ask.split(' ')[1]))).toHaveLength(POTENCY_TRIES);
  });
});
