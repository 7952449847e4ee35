/** Whole runs held against the specs. */
import { describe, expect, test } from 'vitest';
import type { Mapping } from '../../specs/mapping.js';
import { mapping as actorState } from '../../specs/actor-state/mapping.js';
import type { Case, Run } from '../../src/run.js';
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

/** A known bug in place of the part that it is of, and no promise that could see it. */
const MUTANTS = [
  {
    bug: 'racy-claim',
    scenario: 'single-activation-race',
    module: 'KelpieSingleActivation',
    // Two nodes have the actor: a database that checks conflicts lets one of them.
    seen: /^n\d (serves|has claimed) by [a-z]+\.[a-z]+, in the walk \S+ after \d+ steps, the last of them /,
    expected: /^one of .*\("n\d"\).*, in (the state|one of the \d+ states) with .*phase/,
  },
  {
    bug: 'wal-duplicate-key',
    scenario: 'wal-recovery',
    module: 'KelpieWAL',
    // Its key is in the log already, so the one who asks again gets what is written there.
    seen: /^Sync k\d by wal\.append, in the walk \S+ pair \d after /,
    expected: /^one of .*\bCrash\b.*, in (the state|one of the \d+ states) with .*log/,
  },
] as const;
/** Not every seed makes the calls that a bug needs. */
const MUTANT_SEEDS = 12;

describe('a bug of the runtime', { timeout: 120_000 }, () => {
  test.each(MUTANTS)('$bug is seen by $module alone', async ({ bug, scenario: id, module, seen, expected }) => {
    const found = { ...find('scenario', catalogue.scenarios, id), invariants: [] };
    const parts: Catalogue = {
      ...catalogue,
      scenarios: [found],
      mappings: (catalogue.mappings ?? []).filter((mapping) => mapping.module === module),
    };
    const simulatedCase = async (given: Case): Promise<Run> => {
      const done = await simulateCase(given, parts, {});
      if (typeof done === 'string') throw new Error(done);
      return done.run;
    };
    for (let seed = 1; seed <= MUTANT_SEEDS; seed++) {
      const given = draw(seed, found, { faults: parts.faults });
      const run = await simulatedCase({ ...given, bug });
      if (run.verdict !== 'spec-divergence') continue;
      const [first] = run.violations;
      expect(first).toMatchObject({ invariant: module, spec: `${module}!Next` });
      expect(first?.seen).toMatch(seen);
      expect(first?.expected).toMatch(expected);
      expect((await simulatedCase(given)).verdict).toBe('pass');
      return;
    }
    expect.fail(`${module} has not seen ${bug} in ${MUTANT_SEEDS} seeds of ${id}`);
  });
});
