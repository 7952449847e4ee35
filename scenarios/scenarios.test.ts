/** The contract of every scenario: what it draws, what it offers and promises is real, and a few of its seeds pass, each the same twice. */
import { describe, expect, it } from 'vitest';
import { faults } from '../faults/index.js';
import { draw } from '../runner/draw.js';
import type { Case, Run } from '../src/run.js';
import type { Capability } from '../src/sim/seams.js';
import { simulate } from '../src/sim/simulate.js';
import { canonical } from '../src/trace.js';
import { scenarios } from './index.js';
import { type Scenario, serverIds } from './scenario.js';

const SEEDS = 12;
/** A seed of everything takes as long as a few of one thing. */
const SEEDS_OF_EVERYTHING = 6;
const TWICE = 3;
const DRAWN = 20;
const TRIES = 6;
const TIMEOUT_MS = 120_000;

/** Situations that these seeds must reach. The others take more of them, and a storm of a thousand reaches each. */
const USUAL: Readonly<Record<string, readonly string[]>> = {
  'actor-lifecycle': ['actor deactivated for idleness', 'writes rolled back', 'actor activated without a state'],
  'agent-calls': ['agent asked another one', 'chain of agents refused', 'agent asked that was not there'],
  'agent-crud': ['agent made again after it was deleted', 'agent looked for in vain', 'actor deactivated for idleness'],
  'agent-idempotency': ['idempotency key found', 'idempotency key used for another request'],
  'agent-loop': ['tool called', 'idempotency key of a message under way'],
  backpressure: ['call refused as overloaded', 'call accepted as the last that may wait'],
  'checkpoint-restore': [],
  forwarding: [
    'call forwarded',
    'repeated request joined to the one under way',
    'call back into the chain rejected',
    'client left without knowing',
  ],
  'heartbeat-failover': ['member suspected', 'suspected member trusted again', 'member failed', 'failover brought to its end'],
  'idle-deactivation': ['actor deactivated for idleness'],
  'kelpie-cluster': [
    'claim lost to another node',
    'actor claimed again by the life that held it',
    'writes rolled back',
    'actor deactivated for idleness',
    'call forwarded',
    'node let in by a member',
    'tool called',
    'agent created',
    'agent changed',
    'message answered',
  ],
  'kv-state-atomicity': ['writes rolled back'],
  'lease-handover': [],
  ledger: ['repeated request joined to the one under way', 'client left without knowing', 'call of an actor failed'],
  'membership-churn': ['node let in by a member', 'member failed', 'primary elected again'],
  'memory-tiers': ['writes rolled back', 'actor deactivated for idleness', 'more than three keys written in one invocation'],
  migration: ['actor moved'],
  'phantom-list': ['list met a limit', 'list of nothing', 'writes rolled back'],
  placement: [
    'claim sent elsewhere by placement',
    'node asked to claim an actor',
    'node asked to claim an actor did not answer',
    'claim lost to another node',
  ],
  'registry-capacity': ['claim refused for capacity'],
  'shutdown-restart': [],
  'single-activation-race': ['claim lost to another node', 'call forwarded'],
  'split-brain': [],
  'wal-recovery': [],
  'zombie-owner': [],
};

const seeds = (count: number): number[] => Array.from({ length: count }, (_, seed) => seed);
const runOf = async (run: Case, scenario: Scenario): Promise<Run> => (await simulate(run, { scenario, faults })).run;
const drawn = (seed: number, scenario: Scenario): Case => draw(seed, scenario, { faults });

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
    `passes its first seeds, ${TWICE} of them the same twice; every promise is judged, every usual situation is reached`,
    async () => {
      const runs: Run[] = [];
      for (const seed of seeds(id === 'kelpie-cluster' ? SEEDS_OF_EVERYTHING : SEEDS)) {
        const run = await runOf(drawn(seed, scenario), scenario);
        const { verdict, reason, violations, pending, traceHash } = run;
        expect({ seed, verdict, reason, violations, pending }).toEqual({ seed, verdict: 'pass', violations: [], pending: [] });
        if (seed < TWICE) expect((await runOf(drawn(seed, scenario), scenario)).traceHash).toBe(traceHash);
        runs.push(run);
      }
      const judged = scenario.invariants.filter((promise) => runs.some(({ judgements }) => judgements[promise.id] === 'holds'));
      expect(scenario.invariants.filter((promise) => !judged.includes(promise)).map((promise) => promise.id)).toEqual([]);
      const usual = USUAL[id] ?? [];
      expect(usual.filter((mark) => !runs.some(({ sometimes }) => (sometimes[mark] ?? 0) > 0))).toEqual([]);
    },
    TIMEOUT_MS,
  );

  it(
    'gives faults what it says it offers: for each thing, one that needs it fires',
    async () => {
      const missing: Capability[] = [];
      for (const capability of scenario.offers) if (!(await meets(scenario, capability))) missing.push(capability);
      expect(missing).toEqual([]);
    },
    TIMEOUT_MS,
  );
});

/** Whether one of the faults that need it fires in a few seeds that have those only. */
async function meets(scenario: Scenario, capability: Capability): Promise<boolean> {
  for (const seed of seeds(TRIES)) {
    const { workload, chaosMicros } = drawn(seed, scenario);
    const budget = scenario.budget(workload, chaosMicros);
    const only = faults.filter(
      ({ needs, allowed, beyondBudget, scripted }) =>
        scripted !== true &&
        needs.includes(capability) &&
        needs.every((need) => scenario.offers.includes(need)) &&
        beyondBudget !== true &&
        allowed?.(budget) !== false,
    );
    const run = await runOf(draw(seed, scenario, { faults, only: only.map(({ id }) => id) }), scenario);
    expect({ seed, verdict: run.verdict, violations: run.violations }).toEqual({ seed, verdict: 'pass', violations: [] });
    if (run.faults.some(({ fired }) => fired > 0)) return true;
  }
  return false;
}

it('knows the usual situations of every scenario, and of no other', () => {
  expect(Object.keys(USUAL).sort()).toEqual(scenarios.map(({ id }) => id).sort());
});

it('has at least thirty situations worth reaching', () => {
  expect(new Set(scenarios.flatMap(({ sometimes }) => Object.keys(sometimes ?? {}))).size).toBeGreaterThanOrEqual(30);
});
