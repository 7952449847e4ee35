/** Every counterexample of these modules whose bug the runtime has as a part leads it to the same violation, and the correct one past it. */
import { describe, expect, test } from 'vitest';
import { invariants } from '../../invariants/index.js';
import { bugs } from '../../scenarios/bugs/index.js';
import { mappings } from '../../specs/index.js';
import { readSpecs, type Spec, type SpecConfig } from '../tla/spec-catalogue.js';
import { carrierOf, directions, replaySpec, type SpecReplay } from './replay.js';

/** A model checker and two runs, on a machine that may have other things to do. */
const TIMEOUT_MS = 60_000;

const specs = readSpecs();

function specOf(module: string): Spec {
  const spec = specs.find((one) => one.module === module);
  if (spec === undefined) throw new Error(`there is no ${module}`);
  return spec;
}

function configOf({ bugs: configs, module }: Spec, variant: string): SpecConfig {
  const config = configs.find((one) => one.variant === variant);
  if (config === undefined) throw new Error(`${module} has no ${variant}`);
  return config;
}

async function replay(module: string, variant: string, changes: { readonly bugs?: typeof bugs } = {}): Promise<SpecReplay> {
  const spec = specOf(module);
  const config = configOf(spec, variant);
  const bug = carrierOf(changes.bugs ?? bugs, spec, config);
  const direction = directions.find((one) => one.module === module);
  if (bug === undefined || direction === undefined) throw new Error(`${config.name} cannot be replayed`);
  return replaySpec(spec, config, bug, direction, { invariants, mappings });
}

const NOWHERE = /(?:)/;

/** What the correct runtime does instead; null where it takes the same steps and keeps its promises. */
const PAIRS: readonly (readonly [module: string, variant: string, departsAt: string | null, why: RegExp])[] = [
  ['KelpieActorState', 'WriteThrough', null, NOWHERE],
  ['KelpieActorState', 'StateOnlyCommit', null, NOWHERE],
  ['KelpieActorState', 'NoRollback', null, NOWHERE],
  ['KelpieActorState', 'DeactivateHeals', null, NOWHERE],
  ['KelpieActorState', 'KeptBuffer', null, NOWHERE],
  ['KelpieActorState', 'UnknownAsFailure', 'Rollback', /finds out that the commit is in/],
  ['KelpieSingleActivation', 'RacyClaim', 'ClaimCommit("n2")', /refuses the commit \(1020\)/],
  ['KelpieSingleActivation', 'NoFencing', 'WriteApply("n1")', /refuses the commit \(1020\)/],
  ['KelpieSingleActivation', 'RacyLeaseExpiry', 'LeaseExpires', /does not take the lease of n1 for expired/],
  ['KelpieSingleActivation', 'BlindRelease', null, NOWHERE],
  ['KelpieSingleActivation', 'ClaimLeak', null, NOWHERE],
  ['KelpieWAL', 'AckBeforeSync', 'Ack("k1")', /acknowledges nothing before the disk has synced/],
  ['KelpieWAL', 'ApplyBeforeSync', 'Apply("k1")', /applies nothing while the sync of its log is held/],
  ['KelpieWAL', 'NoReplay', 'Recovered', /takes up k1 first/],
  ['KelpieWAL', 'PartialRecovery', 'Recovered', /takes up k2 first/],
  ['KelpieWAL', 'PrematureComplete', 'Complete("k1")', /waits for the effect of k1 before it marks its entry/],
  ['KelpieWAL', 'DuplicateIdempotency', 'Sync("k1")', /has logged k1 once/],
  ['KelpieWAL', 'ReusedId', null, NOWHERE],
  ['KelpieWAL', 'ReusedIdZombie', null, NOWHERE],
];

describe.each(PAIRS)('%s/%s', { timeout: TIMEOUT_MS }, (module, variant, departsAt, why) => {
  test('leads the runtime with the bug to the same violation, and the correct one past it', async () => {
    const { counterexample, buggy, shown, correct, faults } = await replay(module, variant);
    expect(faults).toEqual([]);
    expect(buggy.departure).toBeUndefined();
    expect(buggy.steps.map(({ action }) => action)).toEqual(counterexample);
    expect(shown).not.toEqual([]);
    expect({ violations: correct.violations, divergences: correct.divergences }).toEqual({ violations: [], divergences: [] });
    expect(correct.departure?.action ?? null).toBe(departsAt);
    expect(correct.departure?.why ?? '').toMatch(why);
  });
});

test('every bug configuration of these modules has a carrier, and is replayed here', () => {
  const configs = directions.flatMap(({ module }) => specOf(module).bugs.map((config) => ({ module, config })));
  for (const { module, config } of configs) {
    expect({ config: config.name, carrier: carrierOf(bugs, specOf(module), config)?.id }).toEqual({
      config: config.name,
      carrier: expect.any(String) as string,
    });
  }
  const named = configs.map(({ module, config }) => `${module}/${config.variant}`);
  expect(PAIRS.map(([module, variant]) => `${module}/${variant}`).sort()).toEqual(named.sort());
});

test('every action that a direction names is one of its module', () => {
  for (const { module, actions } of directions) {
    for (const action of actions) expect(specOf(module).source).toMatch(new RegExp(`^${action}(\\(\\w+\\))? ==`, 'm'));
  }
});

test('a counterexample with an action that nothing makes happen is refused', { timeout: TIMEOUT_MS }, async () => {
  const spec = specOf('KelpieSingleActivation');
  const direction = directions.find((one) => one.module === spec.module);
  const [bug] = bugs;
  if (direction === undefined || bug === undefined) throw new Error('there is nothing to replay');
  const config = configOf(spec, 'RacyClaim');
  await expect(replaySpec(spec, config, bug, { ...direction, actions: ['ClaimRead'] }, { invariants, mappings })).rejects.toThrow(
    'nothing makes ClaimCommit("n1") of KelpieSingleActivation happen in the runtime',
  );
});

test('a part that lacks the bug is told: it does not follow, or breaks nothing', { timeout: TIMEOUT_MS }, async () => {
  const harmless = (config: string): typeof bugs => [
    { id: 'harmless', summary: 'no bug', spec: { module: 'KelpieSingleActivation', config }, parts: (correct) => correct },
  ];
  const departed = await replay('KelpieSingleActivation', 'RacyClaim', { bugs: harmless('RacyClaim') });
  expect(departed.faults).toEqual([
    'the runtime with harmless does not follow: at ClaimCommit("n2"), the database refuses the commit (1020)',
  ]);
  const kept = await replay('KelpieSingleActivation', 'BlindRelease', { bugs: harmless('BlindRelease') });
  expect(kept.faults).toEqual([
    'the runtime with harmless takes every step, and neither ConsistentHolder nor the conformance of KelpieSingleActivation is broken',
  ]);
});

test('the same replay twice is the same, event by event', { timeout: TIMEOUT_MS }, async () => {
  const [first, second] = [await replay('KelpieSingleActivation', 'NoFencing'), await replay('KelpieSingleActivation', 'NoFencing')];
  expect(second.buggy.trace).toEqual(first.buggy.trace);
});

test('two configurations with one defect have one carrier', () => {
  const wal = specOf('KelpieWAL');
  expect(carrierOf(bugs, wal, configOf(wal, 'ReusedIdZombie'))?.id).toBe('wal-reused-id');
  const others = bugs.filter(({ id }) => id !== 'wal-reused-id');
  expect(carrierOf(others, wal, configOf(wal, 'ReusedIdZombie'))).toBeUndefined();
});
