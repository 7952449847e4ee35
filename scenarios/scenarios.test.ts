/** The contract of every scenario: what it draws, what it offers and promises is real, and a few of its seeds pass, each the same twice. */
import { describe, expect, it } from 'vitest';
import type { Fault } from '../faults/fault.js';
import { faults } from '../faults/index.js';
import { draw } from '../runner/draw.js';
import type { Case, Run } from '../src/run.js';
import type { Capability } from '../src/sim/seams.js';
import { simulate } from '../src/sim/simulate.js';
import { canonical } from '../src/trace.js';
import { scenarios } from './index.js';
import { type Scenario, serverIds } from './scenario.js';

const SEEDS = 25;
const TWICE = 3;
const DRAWN = 20;
/** Seeds with every fault at once. */
const ALL_FAULTS = 4;
const TIMEOUT_MS = 120_000;

/** Marks that take more seeds than these; a storm of a thousand reaches each. All others must show here. */
const RARE: Readonly<Record<string, readonly string[]>> = {};

const seeds = (count: number): number[] => Array.from({ length: count }, (_, seed) => seed);
const runOf = async (run: Case, scenario: Scenario): Promise<Run> => (await simulate(run, { scenario, faults })).run;
const drawn = (seed: number, scenario: Scenario): Case => draw(seed, scenario, { faults });

const capabilitiesOf = (fired: readonly Fault[]): Set<Capability> => new Set(fired.flatMap(({ needs }) => needs));

describe.each(scenarios.map((scenario) => [scenario.id, scenario] as const))('%s', (id, scenario) => {
  it('draws plain data, the same for the same seed, and no operation twice', () => {
    const cases = seeds(DRAWN).map((seed) => drawn(seed, scenario));
    for (const [seed, one] of cases.entries()) {
      expect(drawn(seed, scenario)).toEqual(one);
      expect(JSON.parse(canonical(one))).toEqual(one);
      const { operations, clients } = one.workload;
      expect(operations.length).toBeGreaterThan(0);
      expect(new Set(operations.map(({ op }) => op)).size).toBe(operations.length);
      for (const { client, atMicros } of operations) {
        expect(client >= 1 && client <= clients && atMicros >= 0 && atMicros < one.chaosMicros).toBe(true);
      }
      expect(scenario.budget(one.workload, one.chaosMicros)).toMatchObject({
        nodes: serverIds(one.workload),
        chaosMicros: one.chaosMicros,
      });
    }
    expect(new Set(cases.map((one) => canonical(one.workload))).size).toBe(DRAWN);
  });

  it(
    `passes ${SEEDS} seeds, the first ${TWICE} the same twice; every promise is judged, every usual situation is reached`,
    async () => {
      const runs: Run[] = [];
      for (const seed of seeds(SEEDS)) {
        const run = await runOf(drawn(seed, scenario), scenario);
        const { verdict, reason, violations, pending, traceHash } = run;
        expect({ seed, verdict, reason, violations, pending }).toEqual({ seed, verdict: 'pass', violations: [], pending: [] });
        if (seed < TWICE) expect((await runOf(drawn(seed, scenario), scenario)).traceHash).toBe(traceHash);
        runs.push(run);
      }
      const judged = scenario.invariants.filter((promise) => runs.some(({ judgements }) => judgements[promise.id] === 'holds'));
      expect(scenario.invariants.filter((promise) => !judged.includes(promise)).map((promise) => promise.id)).toEqual([]);
      const marks = Object.keys(scenario.sometimes ?? {});
      const rare = RARE[id] ?? [];
      expect(rare.filter((mark) => !marks.includes(mark))).toEqual([]);
      const unreached = marks.filter((mark) => !runs.some(({ sometimes }) => (sometimes[mark] ?? 0) > 0));
      expect(unreached.filter((mark) => !rare.includes(mark))).toEqual([]);
    },
    TIMEOUT_MS,
  );

  it(
    'gives faults what it says it offers: for each thing, one that needs it fires',
    async () => {
      const fired = new Set<string>();
      const missing = (): Capability[] => {
        const met = capabilitiesOf(faults.filter((fault) => fired.has(fault.id)));
        return scenario.offers.filter((capability) => !met.has(capability));
      };
      for (const seed of seeds(ALL_FAULTS)) {
        if (missing().length === 0) break;
        const run = await runOf(draw(seed, scenario, { faults, profile: 'all' }), scenario);
        for (const fault of run.faults) if (fault.fired > 0) fired.add(fault.id);
      }
      expect(missing()).toEqual([]);
    },
    TIMEOUT_MS,
  );
});

it('has no rare situation of a scenario that there is not', () => {
  expect(Object.keys(RARE).filter((id) => !scenarios.some((scenario) => scenario.id === id))).toEqual([]);
});

it('has at least thirty situations worth reaching', () => {
  expect(new Set(scenarios.flatMap(({ sometimes }) => Object.keys(sometimes ?? {}))).size).toBeGreaterThanOrEqual(30);
});
