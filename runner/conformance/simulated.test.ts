/** Whole runs held against the specs. */
import { describe, expect, test } from 'vitest';
import type { Mapping } from '../../specs/mapping.js';
import { mapping as actorState } from '../../specs/actor-state/mapping.js';
import { type SimulatedCase, simulateCase } from '../simulate-case.js';
import { type Catalogue, catalogue, DEFAULT_SCENARIO, find } from '../catalogue.js';
import { draw } from '../draw.js';

const scenario = find('scenario', catalogue.scenarios, DEFAULT_SCENARIO);

async function simulated(seed: number, parts: Catalogue): Promise<SimulatedCase> {
  const done = await simulateCase(draw(seed, scenario, { faults: parts.faults }), parts, {});
  if (typeof done === 'string') throw new Error(done);
  return done;
}

const without: Catalogue = { ...catalogue, mappings: [] };

/** Takes every commit that succeeds for one that failed. */
const wrong: Mapping = {
  ...actorState,
  start: (walks) =>
    actorState.start({
      ...walks,
      leave: (walk, why) => walks.leave(walk, why),
      see: (walk, observation) =>
        walks.see(walk, observation.key === 'CommitDone' ? { key: 'Rollback', steps: [{ action: 'Rollback' }] } : observation),
    }),
};

describe('conformance', { timeout: 120_000 }, () => {
  test('changes nothing in a run, whether it conforms or not', async () => {
    const runs: SimulatedCase[] = [];
    for (const parts of [catalogue, without, { ...catalogue, mappings: [wrong] }]) runs.push(await simulated(1, parts));
    expect(new Set(runs.map(({ run }) => run.traceHash)).size).toBe(1);
    expect(runs.map(({ run }) => run.verdict)).toEqual(['pass', 'pass', 'spec-divergence']);
    expect(runs.map(({ run }) => run.events)).toEqual(Array.from(runs, () => runs[0]?.run.events));
  });

  test('reports what it has judged', async () => {
    const { run, conformance } = await simulated(2, catalogue);
    for (const { module } of catalogue.mappings ?? []) {
      const { steps = 0, states = 0, divergences } = run.spec[module] ?? {};
      expect(divergences, module).toBe(0);
      expect(states, module).toBe(conformance.coverage().get(module)?.states.count());
      if (module === 'KelpieActorState') expect(steps).toBeGreaterThan(100);
    }
  });

  test('finds a step that is planted, and tells the module, the walk, the state, the event and what was allowed', async () => {
    const { run } = await simulated(1, { ...catalogue, mappings: [wrong] });
    const [first] = run.violations;
    expect(run.spec['KelpieActorState']?.divergences).toBeGreaterThan(0);
    expect(first?.invariant).toBe('KelpieActorState');
    expect(first?.seen).toMatch(/^Rollback by commit\.done, in the walk \S+ on n\d after \d+ steps, the last of them CommitSend$/);
    expect(first?.expected).toMatch(
      /^one of CommitDone, CommitFailed, CommitUnknown, .* in one of the \d+ states with .*phase = "Committing", and one of several values of /,
    );
  });
});
