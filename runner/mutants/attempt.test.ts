import { expect, test } from 'vitest';
import { catalogue, DEFAULT_SCENARIO } from '../catalogue.js';
import { attempt, caseOf } from './attempt.js';

test('the storm has every scenario in it, the default one most often, and bounds every run', () => {
  const runs = Array.from({ length: 100 }, (_, nth) => caseOf(nth));
  const times = new Map<string, number>();
  for (const { scenario } of runs) times.set(scenario, (times.get(scenario) ?? 0) + 1);
  expect([...times.keys()].sort()).toEqual(catalogue.scenarios.map(({ id }) => id).sort());
  expect(times.get(DEFAULT_SCENARIO)).toBe(25);
  expect(new Set(runs.map(({ seed }) => seed)).size).toBe(runs.length);
  for (const { limits } of runs) expect(limits.events).toBe(200_000);
  expect(caseOf(9)).toEqual(runs[9]);
});

test('a run of the correct runtime fails nothing', { timeout: 120_000 }, async () => {
  expect(await attempt(1)).toMatchObject({
    scenario: caseOf(1).scenario,
    failed: null,
    traceHash: expect.stringMatching(/^[0-9a-f]{16}$/) as string,
  });
});
