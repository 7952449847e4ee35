/**
 * Every module and configuration under `specs/`, by both engines where TLC is installed, by the embedded one alone where it is not:
 * what must hold holds, what must be violated is, and nothing is there for show.
 */
import { describe, expect, test } from 'vitest';
import { embeddedChecker } from './embedded.js';
import { readSpecs, type Spec, type SpecConfig } from './spec-catalogue.js';
import { findTlc, tlcChecker, tlcVersion } from './tlc.js';

const specs = readSpecs();

/** TLC, or why there is none. */
const tlc = await findTlc()
  .then(async (place) => ({ checker: tlcChecker(place), name: `TLC ${await tlcVersion(place)}` }))
  .catch((error: unknown) => ({ checker: undefined, name: `no TLC: ${(error as Error).message}` }));

/** What each module promises, and which defects must be known to it. More are welcome. */
const PROMISED: Readonly<Record<string, { readonly invariants: readonly string[]; readonly bugs: readonly string[] }>> = {
  KelpieWAL: {
    invariants: [
      'Durability',
      'Idempotency',
      'AtomicVisibility',
      'RecoveryCompleteness',
      'StatusConsistency',
      'NoZombieComplete',
      'Monotonicity',
    ],
    bugs: ['DuplicateIdempotency', 'ReusedId', 'PrematureComplete', 'PartialRecovery', 'NoReplay'],
  },
  KelpieActorState: {
    invariants: ['RollbackCorrectness', 'TransactionAtomicity', 'StateConsistency', 'BufferEmptyWhenIdle', 'NoPartialState'],
    bugs: ['StateOnlyCommit', 'NoRollback', 'WriteThrough', 'DeactivateHeals'],
  },
  KelpieSingleActivation: {
    invariants: ['SingleActivation', 'ConsistentHolder', 'PlacementConsistency', 'LeaseValidityIfActive', 'NoZombieWrite'],
    bugs: ['RacyClaim', 'RacyLeaseExpiry', 'NoFencing', 'BlindRelease'],
  },
  KelpieLease: {
    invariants: ['LeaseUniqueness', 'RenewalRequiresOwnership', 'FencingTokenMonotonic', 'GracePeriodRespected'],
    bugs: ['AcquireWithoutCheck', 'SplitRenewal'],
  },
  KelpieRegistry: {
    invariants: ['CapacityBounds', 'CapacityConsistency', 'HeartbeatStatusSync', 'LeaseExclusivity', 'PlacementConsistency'],
    bugs: ['RacyRegister', 'RacyHeartbeat', 'CapacityLeak'],
  },
  KelpieFDBTransaction: {
    invariants: ['SerializableIsolation', 'ConflictDetection', 'AtomicCommit', 'ReadYourWrites', 'SnapshotReads'],
    bugs: ['NoConflictCheck', 'BlindRetry'],
  },
  KelpieActorLifecycle: {
    invariants: ['LifecycleOrdering', 'GracefulDeactivation', 'NoResurrection', 'IdleTimeoutRespected'],
    bugs: ['DeactivateWithPending', 'InvokeWhileDeactivating'],
  },
  KelpieMigration: {
    invariants: ['MigrationAtomicity', 'SingleActivationDuringMigration', 'NoStateLoss', 'MigrationRollback'],
    bugs: ['ActivateBeforeMove', 'SkipTransfer', 'NoAbort'],
  },
  KelpieClusterMembership: {
    invariants: ['NoSplitBrain', 'JoinAtomicity', 'MembershipConsistency', 'TermMonotonic'],
    bugs: ['ElectWithoutQuorum', 'SplitElectionTransaction'],
  },
  KelpieCheckpoint: {
    invariants: ['CheckpointAtomicity', 'StateConsistency', 'SequenceGapFree'],
    bugs: ['SequenceFirst', 'SplitCheckpoint'],
  },
  KelpieAgentService: {
    invariants: ['DurableOnSuccess', 'ReadAfterWrite', 'IdempotencyGuarantee', 'ExactlyOnceExecution'],
    bugs: ['AckBeforePersist', 'VolatileIdempotency'],
  },
};

const STATES_MIN = 20;
const STATES_MAX = 100_000;
/** Of one engine on one configuration, on a machine that is busy with other things. */
const PATIENCE_MS = 180_000;

/** Constants of a configuration but for the switch of defects, and the switch. */
function constantsOf({ parsed }: SpecConfig): { readonly others: readonly string[]; readonly bug: string | undefined } {
  const isBug = (line: string): boolean => line.startsWith('Bug = ');
  return {
    others: parsed.constants.filter((line) => !isBug(line)),
    bug: parsed.constants.find(isBug)?.slice('Bug = '.length).replaceAll('"', ''),
  };
}

/** The defects that a module has a branch for: `Bug = "X"`, `Bug # "X"`, `Bug \in {"X", "Y"}`. */
function switchesOf({ source }: Spec): Set<string> {
  const text = source.replaceAll(/\\\*.*$/gm, '');
  const single = [...text.matchAll(/\bBug [=#] "(\w+)"/g)].map(([, name = '']) => name);
  const several = [...text.matchAll(/\bBug \\in \{([^}]*)\}/g)].flatMap(([, names = '']) =>
    [...names.matchAll(/"(\w+)"/g)].map(([, name = '']) => name),
  );
  return new Set([...single, ...several]);
}

test('every module of the design is there', () => {
  expect(specs.map(({ module }) => module)).toEqual(expect.arrayContaining(Object.keys(PROMISED)));
});

describe.each(specs.map((spec) => ({ spec, module: spec.module })))('$module', ({ spec, module }) => {
  const { good, bugs, liveness } = spec;

  describe('its files', () => {
    test('stand in the folder of its name', () => {
      const words = module.replace(/^Kelpie/, '').replaceAll(/([a-z0-9])([A-Z])|([A-Z])([A-Z][a-z])/g, '$1$3-$2$4');
      expect(spec.folder).toBe(words.toLowerCase());
    });

    test('promise what the design says, and know its defects', () => {
      const promised = PROMISED[module] ?? { invariants: [], bugs: [] };
      expect(good.parsed.invariants).toEqual(expect.arrayContaining(['TypeOK', ...promised.invariants]));
      expect(bugs.map(({ variant }) => variant)).toEqual(expect.arrayContaining([...promised.bugs]));
    });

    test('break every promise with some defect, and only promises that are made', () => {
      const broken = new Set(bugs.map(({ parsed }) => parsed.expects));
      expect(broken).toEqual(new Set(good.parsed.invariants.filter((name) => name !== 'TypeOK')));
      for (const { parsed } of bugs) expect(parsed.invariants).toEqual(['TypeOK', parsed.expects]);
    });

    test('leave no defect of the module out, and differ from the good model in nothing else', () => {
      const { others, bug } = constantsOf(good);
      expect(bug).toBe('None');
      for (const config of bugs) expect(constantsOf(config).others, config.name).toEqual(others);
      expect(new Set(bugs.map((config) => constantsOf(config).bug))).toEqual(switchesOf(spec));
    });

    test('have a crash', () => expect(spec.source).toMatch(/^Crash(\(\w+\))? ==/m));

    test('leave temporal properties to TLC, under fairness', () => {
      expect(liveness).not.toEqual([]);
      for (const { parsed } of liveness) expect(parsed).toMatchObject({ engine: 'tlc', specification: 'LiveSpec', invariants: [] });
    });
  });

  test(
    'holds, is finite and small, and takes every action',
    async () => {
      // A graph is given only where every invariant holds and nothing is stuck.
      const [graph, byTlc] = await Promise.all([embeddedChecker.graph(good.model), tlc.checker?.check(good.model)]);
      expect(graph.states.length).toBeGreaterThanOrEqual(STATES_MIN);
      expect(graph.states.length).toBeLessThanOrEqual(STATES_MAX);
      const taken = new Set<string | undefined>();
      for (let step = 0; step < graph.steps; step++) taken.add(graph.actions[graph.actionOf(step)]?.name);
      expect(taken).toEqual(new Set(graph.actions.map(({ name }) => name)));
      if (byTlc !== undefined) {
        expect(byTlc).toMatchObject({ verdict: 'holds', distinctStates: graph.states.length, depth: graph.depth });
      }
    },
    PATIENCE_MS,
  );

  test.each(bugs.map((config) => ({ config, name: config.variant, expects: config.parsed.expects })))(
    '$name violates $expects',
    async ({ config, expects }) => {
      const [embedded, byTlc] = await Promise.all([embeddedChecker.check(config.model), tlc.checker?.check(config.model)]);
      expect(embedded).toMatchObject({ verdict: 'violated', invariant: expects });
      expect(embedded.trace.slice(1).every(({ action }) => action !== null)).toBe(true);
      if (byTlc === undefined) return;
      expect(byTlc).toMatchObject({ verdict: 'violated', invariant: expects, depth: embedded.depth });
      expect(byTlc.trace.slice(1).every(({ action }) => action !== null)).toBe(true);
    },
    PATIENCE_MS,
  );

  describe.skipIf(tlc.checker === undefined)(tlc.name, () => {
    test.each(liveness.map((config) => ({ config, name: config.variant, properties: config.parsed.properties.join(', ') })))(
      '$name: $properties',
      async ({ config }) => {
        expect(await tlc.checker?.check(config.model)).toMatchObject({ verdict: 'holds' });
      },
      PATIENCE_MS,
    );
  });
});
