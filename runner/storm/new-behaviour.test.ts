/** Against storms whose every chance is known, so that the truth about the next run can be told. */
import { describe, expect, test } from 'vitest';
import { randomOf } from '../../src/sim/random.js';
import { newBehaviour, Sightings } from './new-behaviour.js';

/** A run shows each of these, or does not, by its own chance of one in so many: most are rare, as spec states are. */
const ONE_IN: readonly number[] = Array.from({ length: 300 }, (_, thing) => 2 + Math.floor(thing ** 1.6 / 3));

interface Storm {
  readonly estimate: number;
  /** That the next run shows something that was not seen. */
  readonly truth: number;
}

function stormOf(seed: number, runs: number): Storm {
  const random = randomOf(seed);
  const sightings = new Sightings();
  const unseen = new Set(ONE_IN.keys());
  for (let run = 0; run < runs; run++) {
    for (const [thing, oneIn] of ONE_IN.entries()) {
      if (!random.chance(1, oneIn)) continue;
      sightings.see(String(thing), run);
      unseen.delete(thing);
    }
  }
  const nothingNew = [...unseen].reduce((product, thing) => product * (1 - 1 / (ONE_IN[thing] ?? 1)), 1);
  return { estimate: newBehaviour({ things: sightings.species() }, runs).probability, truth: 1 - nothingNew };
}

const mean = (numbers: readonly number[]): number => numbers.reduce((sum, one) => sum + one, 0) / numbers.length;

describe('how likely the next run shows something new', () => {
  const STORMS = 40;
  const byRuns = [10, 100, 300, 1_000].map((runs) => Array.from({ length: STORMS }, (_, nth) => stormOf(runs * STORMS + nth, runs)));

  test('is estimated as it is, on average, and nearly so by each storm of a hundred runs', () => {
    for (const storms of byRuns) {
      const truth = mean(storms.map((storm) => storm.truth));
      expect(Math.abs(mean(storms.map(({ estimate }) => estimate)) - truth)).toBeLessThan(0.03);
    }
    for (const { estimate, truth } of byRuns.slice(1).flat()) expect(Math.abs(estimate - truth)).toBeLessThan(0.2);
  });

  test('declines as a storm goes on, all the way', () => {
    const means = byRuns.map((storms) => mean(storms.map(({ estimate }) => estimate)));
    expect(means).toEqual([...means].sort((a, b) => b - a));
    expect(means[0]).toBeGreaterThan(0.6);
    expect(means.at(-1)).toBeLessThan(0.15);
  });
});

test('a thing that two runs have shown is no news, whatever came between; one that a run shows twice still is', () => {
  const sightings = new Sightings();
  for (const [thing, run] of [
    ['a', 0],
    ['b', 1],
    ['a', 2],
    ['b', 1],
    ['c', 1],
    ['a', 0],
  ] as const)
    sightings.see(thing, run);
  expect(sightings.species()).toEqual({ visited: 3, once: 2, runs: new Set([1]) });
});

test('kinds add up, and a run that alone showed things of two kinds counts once', () => {
  const one = { visited: 10, once: 3, runs: new Set([4, 7]) };
  const other = { visited: 5, once: 1, runs: new Set([7]) };
  expect(newBehaviour({ one, other }, 8)).toEqual({
    probability: 0.25,
    singletons: 4,
    behaviours: 15,
    runs: 8,
    kinds: { one: { probability: 0.25, singletons: 3, behaviours: 10 }, other: { probability: 0.125, singletons: 1, behaviours: 5 } },
  });
});

test('before the first run all is new', () => {
  expect(newBehaviour({ one: new Sightings().species() }, 0).probability).toBe(1);
});
