import { expect, test } from 'vitest';
import { catalogue } from '../fixtures/planted-catalogue.js';
import type { Plan } from './plan.js';
import { POTENCY_TRIES } from './potency.js';
import type { SeedResult } from './seed-result.js';
import { isBad, Tally } from './tally.js';

const plan: Plan = { scenarios: ['planted'], profile: 'swarm', bug: null, from: 0, seeds: 1_000, shard: { index: 1, of: 1 } };
const session = { stopped: undefined, wallMs: 2_000, runs: 10, commandOf: (id: string, seed: unknown) => `run ${id} ${String(seed)}` };

function result(position: number, more: Partial<SeedResult> = {}): SeedResult {
  return {
    position,
    scenario: 'planted',
    seed: position,
    verdict: 'pass',
    events: 100,
    traceHash: '0123456789abcdef',
    signature: null,
    invariant: null,
    drawn: ['a/fires', 'b/silent'],
    fired: ['a/fires'],
    reached: ['behaved'],
    twin: null,
    ...more,
  };
}
const failure = (position: number, signature: string, events: number): SeedResult =>
  result(position, { verdict: 'violation', invariant: 'x', signature, events });

function reportOf(results: readonly SeedResult[], of: Plan = plan) {
  const tally = new Tally(of.scenarios);
  for (const one of results) tally.add(one);
  return tally.report(of, catalogue, session);
}

const mixed = [
  result(0),
  failure(1, 'x: late', 90),
  failure(2, 'y: early', 30),
  failure(3, 'x: late', 50),
  failure(4, 'x: late', 50),
  result(5),
];

test('groups failures, smallest first, and names the command of the smallest', () => {
  const { passed, failed, failures, seedsPerSecond, scenarios } = reportOf(mixed);
  expect({ passed, failed, seedsPerSecond, scenarios }).toEqual({
    passed: 2,
    failed: 4,
    seedsPerSecond: 5,
    scenarios: [{ id: 'planted', seeds: 6, failed: 4 }],
  });
  expect(failures).toMatchObject([
    { signature: 'y: early', count: 1, seeds: [2], reproduce: 'run planted 2' },
    { signature: 'x: late', count: 3, seeds: [1, 3, 4], smallest: { seed: 3, events: 50 }, reproduce: 'run planted 3' },
  ]);
});

test('says the same in whatever order results come', () => {
  const expected = reportOf(mixed);
  expect(reportOf([...mixed].reverse())).toEqual(expected);
  expect(reportOf([...mixed.slice(3), ...mixed.slice(0, 3)])).toEqual(expected);
});

test('estimates new behaviour from what one run alone showed, kind by kind', () => {
  // Nine runs alike, a failure, a fault that meets the situation they all reach, and one that meets none.
  const results = [
    ...Array.from({ length: 8 }, (_, i) => result(i)),
    failure(8, 'x: once', 5),
    result(9, { fired: ['c/rare'] }),
    result(10, { fired: ['a/fires', 'd/alone'], reached: [] }),
  ];
  const tally = new Tally(plan.scenarios);
  for (const one of results) tally.add(one);
  const sizes = { module: 'Door', statesReachable: 9, transitionsReachable: 9, transitions: [], certain: [] };
  tally.visit([{ ...sizes, states: [0, 1], alone: [{ run: 3, states: [4, 5] }] }]);
  tally.visit([{ ...sizes, states: [0], alone: [{ run: 9, states: [5, 6] }] }]);
  expect(tally.report(plan, catalogue, session).newBehaviourEstimate).toEqual({
    // Runs 3, 8, 9 and 10 are alone in something.
    probability: 4 / 11,
    singletons: 6,
    behaviours: 12,
    runs: 11,
    kinds: {
      situations: { probability: 0, singletons: 0, behaviours: 1 },
      faultsInSituations: { probability: 2 / 11, singletons: 3, behaviours: 5 },
      failures: { probability: 1 / 11, singletons: 1, behaviours: 1 },
      specStates: { probability: 2 / 11, singletons: 2, behaviours: 5 },
    },
  });
  expect(reportOf([]).newBehaviourEstimate.probability).toBe(1);
});

test('a fault that several seeds drew and none fired is inert, a mark that none reached is named', () => {
  expect(reportOf(Array.from({ length: 4 }, (_, i) => result(i))).inert).toEqual([]);
  const five = reportOf(Array.from({ length: 5 }, (_, i) => result(i)));
  expect(five).toMatchObject({ inert: ['b/silent'], sometimes: { behaved: 5, 'pigs flew': 0 }, neverReached: ['pigs flew'] });
  expect(five.faults).toEqual([
    { id: 'a/fires', seedsDrawn: 5, seedsFired: 5 },
    { id: 'b/silent', seedsDrawn: 5, seedsFired: 0 },
  ]);
});

test('what is not covered fails a storm of a thousand default seeds only', () => {
  const many = Array.from({ length: 1_000 }, (_, i) => result(i));
  expect(
    [reportOf(many), reportOf(many.slice(1)), reportOf(many, { ...plan, profile: 'calm' }), reportOf(many, { ...plan, bug: 'b' })].map(
      isBad,
    ),
  ).toEqual([true, false, false, false]);
  expect(reportOf(many.slice(1)).coverage.rule).toContain('it takes 1000 default seeds of each scenario, and these are 999');
  expect(isBad(reportOf([failure(0, 'x', 1)]))).toBe(true);
});

test('runs that were done again are counted, and a difference is a failure', () => {
  const differs = result(1, {
    verdict: 'nondeterminism',
    signature: 'nondeterminism: leak differs',
    twin: 'the same case did something else',
  });
  const report = reportOf([result(0, { twin: '' }), differs, result(2)]);
  expect(report).toMatchObject({ twins: { checked: 2, differed: 1 }, failed: 1 });
  expect(isBad(report)).toBe(true);
});

test('a fault that fired and changed nothing fails a storm that decides, and only where it was tried', () => {
  const tally = new Tally(plan.scenarios);
  for (let position = 999; position >= 0; position--)
    tally.add(result(position, { reached: ['behaved', 'pigs flew'], fired: ['a/fires', 'b/silent'] }));
  expect(tally.firedAt.get('a/fires')?.map(({ position }) => position)).toEqual(Array.from({ length: POTENCY_TRIES }, (_, at) => at));
  const potency = [
    { id: 'a/fires', tried: 1, potent: true },
    { id: 'b/silent', tried: 5, potent: false },
  ];
  const untried = tally.report(plan, catalogue, session);
  expect({ impotent: untried.impotent, bad: isBad(untried) }).toEqual({ impotent: null, bad: false });
  const tried = tally.report(plan, catalogue, { ...session, potency });
  expect({ impotent: tried.impotent, bad: isBad(tried) }).toEqual({ impotent: ['b/silent'], bad: true });
});
