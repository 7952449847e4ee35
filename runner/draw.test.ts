import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Fault, striking } from '../faults/fault.js';
import { faults as registry } from '../faults/index.js';
import type { Case } from '../src/run.js';
import { CAPABILITIES } from '../src/sim/seams.js';
import { canonical } from '../src/trace.js';
import { type DrawableScenario, type DrawOptions, DRAWN_STRATEGIES, draw } from './draw.js';

const scenario: DrawableScenario = {
  id: 'two-clients',
  offers: ['network', 'process', 'clock'],
  choices: { 'cache/refuse': 'a cached answer is refused', 'lock/late': 'a lock is given back late' },
  knobs: { leaseMicros: { min: 1_000, max: 9_000, normal: 5_000 }, batchMax: { min: 1, max: 64, normal: 32 } },
  convergenceMicros: 30_000_000,
  draw: (random, chaosMicros) => ({
    nodes: 3,
    clients: 2,
    operations: Array.from({ length: 5 }, (_, i) => ({ client: 1 + (i % 2), atMicros: random.int(chaosMicros), kind: 'put' })),
  }),
  budget: (_, chaosMicros) => ({
    nodes: ['n1', 'n2', 'n3'],
    downMax: 1,
    lyingDisksMax: 0,
    clockSkewMicrosMax: 100_000,
    clockDriftPpmMax: 100,
    chaosMicros,
  }),
};

function planted(id: Fault['id'], more: Partial<Fault> = {}): Fault {
  return striking({
    id,
    summary: 'planted',
    needs: ['process'],
    core: true,
    draw: (random, budget) => ({
      startMicros: random.int(budget.chaosMicros),
      durationMicros: 1 + random.int(1_000),
      downMax: budget.downMax,
    }),
    shrink: () => [],
    check: () => undefined,
    strike: () => {},
    ...more,
  });
}

const faults = [
  planted('crash/one'),
  planted('crash/two', { core: false }),
  planted('disk/three', { needs: ['disk'] }),
  planted('clock/four', { beyondBudget: true }),
  planted('disk/five', { needs: ['process'], allowed: (budget) => budget.lyingDisksMax > 0 }),
];
/** Room for every fault that is not beyond all budgets. */
const roomy: DrawableScenario['budget'] = (workload, chaosMicros) => ({
  ...scenario.budget(workload, chaosMicros),
  downMax: 2,
  lyingDisksMax: 3,
  clockSkewMicrosMax: 3_600_000_000,
});
const drawn = (seed: number, options: Partial<DrawOptions> = {}) => draw(seed, scenario, { faults, ...options });
const seeds = (count: number): number[] => Array.from({ length: count }, (_, seed) => seed);

describe('a case', () => {
  test('is a function of its seed, and plain JSON', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (seed) => {
        const one = drawn(seed);
        expect(drawn(seed)).toEqual(one);
        expect(JSON.parse(canonical(one))).toEqual(one);
      }),
    );
  });

  test('of a commit is drawn as that of a number is', () => {
    const commit = '4b825dc642cb6eb9a060e54bf8d69288fbee4904';
    expect(draw(commit, scenario, { faults })).toMatchObject({ version: 1, seed: commit, scenario: 'two-clients', profile: 'swarm' });
  });

  test('differs between seeds in everything that is drawn', () => {
    const cases = seeds(300).map((seed) => drawn(seed));
    const values = (of: (one: (typeof cases)[number]) => unknown): Set<string> => new Set(cases.map((one) => canonical(of(one))));
    expect(values(({ strategy }) => strategy.kind)).toEqual(new Set(DRAWN_STRATEGIES.map((kind) => `"${kind}"`)));
    expect(values(({ quantumMicros }) => quantumMicros)).toEqual(new Set(['1', '50', '500', '5000']));
    expect(values(({ chaosMicros }) => chaosMicros).size).toBe(4);
    expect(values(({ network }) => network).size).toBeGreaterThan(290);
    expect(values(({ workload }) => workload).size).toBe(300);
    expect(values(({ faults: ids }) => ids.map(({ id }) => id)).size).toBeGreaterThan(3);
  });

  test('has a chaos phase of one of the lengths that its scenario names', () => {
    const lengths = seeds(50).map((seed) => draw(seed, { ...scenario, chaosMicros: [2_000_000, 3_000_000] }, { faults }).chaosMicros);
    expect(new Set(lengths)).toEqual(new Set([2_000_000, 3_000_000]));
  });

  test('has more faults, and never all, where its scenario asks for them more often', () => {
    const many = Array.from({ length: 20 }, (_, i) => planted(`crash/n${i}`));
    const counts = (faultFactor: number): number[] =>
      seeds(300).map((seed) => new Set(draw(seed, { ...scenario, faultFactor }, { faults: many }).faults.map(({ id }) => id)).size);
    const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
    expect(sum(counts(3))).toBeGreaterThan(2 * sum(counts(1)));
    expect(Math.max(...counts(1_000))).toBeLessThan(many.length);
  });

  test('turns knobs within their range in about a quarter of the seeds, and leaves them normal in the others', () => {
    const cases = seeds(400).map((seed) => drawn(seed).knobs);
    const normal = cases.filter(({ leaseMicros, batchMax }) => leaseMicros === 5_000 && batchMax === 32).length;
    // A quarter turns at all, and three quarters of those turn at least one of two.
    expect(normal).toBeGreaterThan(400 * 0.72);
    expect(normal).toBeLessThan(400 * 0.9);
    for (const { leaseMicros = 0, batchMax = 0 } of cases) {
      expect(leaseMicros >= 1_000 && leaseMicros <= 9_000 && batchMax >= 1 && batchMax <= 64).toBe(true);
    }
    expect(cases.some(({ batchMax }) => batchMax === 1) && cases.some(({ batchMax }) => batchMax === 64)).toBe(true);
  });

  test('has each rare way active in about a quarter of the seeds, and none in half of them', () => {
    const cases = seeds(400).map((seed) => drawn(seed).choices ?? {});
    for (const site of Object.keys(scenario.choices ?? {})) {
      const active = cases.filter((choices) => site in choices).length;
      expect(active).toBeGreaterThan(400 * 0.19);
      expect(active).toBeLessThan(400 * 0.31);
    }
    // Of the half that take any, a quarter has neither of the two.
    expect(cases.filter((choices) => Object.keys(choices).length === 0).length).toBeGreaterThan(400 * 0.5);
    for (const oneIn of cases.flatMap((choices) => Object.values(choices))) expect(oneIn).toBeGreaterThan(1);
    expect(drawn(1, { profile: 'none' }).choices).toEqual({});
  });

  test('keeps its rare ways when a site is added or the sites are ordered otherwise', () => {
    const sites = { 'lock/late': '', 'aaa/new': '', 'cache/refuse': '' };
    for (const seed of seeds(50)) {
      const { 'aaa/new': _, ...rest } = draw(seed, { ...scenario, choices: sites }, { faults }).choices ?? {};
      expect(rest).toEqual(drawn(seed).choices);
    }
  });

  test('keeps the network possible', () => {
    for (const seed of seeds(200)) {
      const { network } = drawn(seed);
      expect(network.latencyMicrosMin).toBeGreaterThan(0);
      expect(network.latencyMicrosMax).toBeGreaterThanOrEqual(network.latencyMicrosMin);
      expect(network.tailOneIn === 0).toBe(network.tailMicros === 0);
    }
  });

  test('takes what the caller asks for and leaves all else as drawn', () => {
    for (const seed of seeds(50)) {
      const free = drawn(seed);
      expect(drawn(seed, { strategy: 'pos' })).toEqual({ ...free, strategy: { kind: 'pos' } });
      expect(drawn(seed, { bug: 'racy-claim' })).toEqual({ ...free, bug: 'racy-claim' });
      const short = drawn(seed, { chaosMicros: 1_000_000 });
      expect(short.chaosMicros).toBe(1_000_000);
      expect(short.network).toEqual(free.network);
      expect(short.faults.map(({ label }) => label)).toEqual(free.faults.map(({ label }) => label));
    }
  });
});

describe('faults', () => {
  test('of the swarm are another subset each seed, none in some, and only such as can matter', () => {
    const subsets = seeds(400).map((seed) => drawn(seed).faults.map(({ id }) => id));
    expect(subsets.some((ids) => ids.length === 0)).toBe(true);
    expect(new Set(subsets.flat())).toEqual(new Set(['crash/one', 'crash/two']));
    expect(subsets.some((ids) => new Set(ids).size === 2)).toBe(true);
    expect(subsets.some((ids) => ids.filter((id) => id === 'crash/one').length > 1)).toBe(true);
  });

  test('are none in some seeds, one to three in some, four to twelve in most, and many in few, where every two meet', () => {
    const everything: DrawableScenario = { ...scenario, offers: CAPABILITIES, budget: roomy };
    const drawable = registry.filter((fault) => fault.beyondBudget !== true && fault.scripted !== true).map(({ id }) => id);
    const met = new Set<string>();
    const sizes = seeds(1_000).map((seed) => {
      const ids = [...new Set(draw(seed, everything, { faults: registry }).faults.map(({ id }) => id))].sort();
      for (const [i, one] of ids.entries()) for (const other of ids.slice(i + 1)) met.add(`${one} ${other}`);
      return ids.length;
    });
    const share = (least: number, most: number): number => sizes.filter((size) => size >= least && size <= most).length / sizes.length;
    expect(share(0, 0)).toBeGreaterThan(0.1);
    expect(share(1, 3)).toBeGreaterThan(0.1);
    expect(share(4, 12)).toBeGreaterThan(0.4);
    expect(share(25, 200)).toBeGreaterThan(0.05);
    expect(share(25, 200)).toBeLessThan(0.2);
    expect(met.size).toBe((drawable.length * (drawable.length - 1)) / 2);
  }, 60_000);

  test('that make disks lie keep together to as many disks as the budget has', () => {
    const lies = ['bit-rot', 'fsync-lie', 'misdirected-read', 'misdirected-write', 'phantom-write', 'stale-read', 'swapped', 'wiped'];
    const everything: DrawableScenario = {
      ...scenario,
      offers: CAPABILITIES,
      budget: (workload, chaosMicros) => ({ ...roomy(workload, chaosMicros), lyingDisksMax: 2 }),
    };
    const chosen = seeds(50).map((seed) => {
      const { faults: all } = draw(seed, everything, { faults: registry, profile: 'all' });
      const lying = all.filter(({ id }) => lies.some((name) => id === `disk/${name}`));
      expect(lying).toHaveLength(lies.length);
      return new Set(lying.flatMap(({ params }) => params['nodes'] as readonly string[]));
    });
    expect(new Set(chosen.map(({ size }) => size))).toEqual(new Set([2]));
    expect(new Set(chosen.flatMap((nodes) => [...nodes]))).toEqual(new Set(['n1', 'n2', 'n3']));
  });

  test('keep their draws when one of them is left out, when another is added, and when the registry is ordered otherwise', () => {
    const everything: DrawableScenario = { ...scenario, offers: CAPABILITIES };
    const wide = (seed: number, fromFaults: readonly Fault[]) => draw(seed, everything, { faults: fromFaults });
    for (const seed of seeds(2 * registry.length)) {
      const whole = wide(seed, registry);
      expect(wide(seed, [...registry].reverse())).toEqual(whole);
      // Each fault is the one left out in two of the seeds.
      const left = registry[seed % registry.length]?.id;
      const without = (one: Case, id: string | undefined): Case => ({ ...one, faults: one.faults.filter((fault) => fault.id !== id) });
      expect(
        wide(
          seed,
          registry.filter(({ id }) => id !== left),
        ),
      ).toEqual(without(whole, left));
      expect(without(wide(seed, [...registry, planted('crash/zz-new')]), 'crash/zz-new')).toEqual(whole);
    }
  });

  test('bring others along, under labels of their own, where the scenario has use for them', () => {
    const reading = registry.filter(({ id }) => id === 'disk/read-fail' || id === 'crash/kill');
    const brought = (offers: DrawableScenario['offers'], only?: readonly string[]) =>
      seeds(100).flatMap((seed) => {
        const room = { ...scenario, offers, budget: roomy };
        return draw(seed, room, { faults: reading, ...(only === undefined ? {} : { only }) }).faults.filter(({ label }) =>
          label.includes('#disk/'),
        );
      });
    const [one] = brought(['disk', 'process']);
    expect(one).toMatchObject({ id: 'crash/kill', label: 'crash/kill#disk/read-fail#1.1', params: { aim: 'nodes' } });
    expect(brought(['disk'])).toEqual([]);
    expect(brought(['disk', 'process'], ['disk/read-fail'])).toEqual([]);
    expect(brought(['disk', 'process'], ['disk/read-fail', 'crash/kill']).length).toBeGreaterThan(20);
  });

  test('asked for by name draw what the swarm draws for them', () => {
    for (const seed of seeds(100)) {
      const swarm = drawn(seed).faults.filter(({ id }) => id === 'crash/one');
      const alone = drawn(seed, { only: ['crash/one'] }).faults;
      expect(alone.length).toBeGreaterThan(0);
      if (swarm.length > 0) expect(alone).toEqual(swarm);
    }
  });

  test('of the other profiles are none, few core ones, and all', () => {
    const subset = (seed: number, profile: 'none' | 'calm' | 'all'): string[] => drawn(seed, { profile }).faults.map(({ id }) => id);
    const calm = seeds(200).map((seed) => subset(seed, 'calm'));
    expect(new Set(calm.flat())).toEqual(new Set(['crash/one']));
    expect(calm.filter((ids) => ids.length > 0).length).toBeLessThan(40);
    for (const seed of seeds(20)) {
      expect(subset(seed, 'none')).toEqual([]);
      expect(subset(seed, 'all')).toEqual(['crash/one', 'crash/two']);
    }
  });

  test('beyond the budget are drawn only when asked for, from a budget that promises nothing', () => {
    const all = seeds(400).flatMap((seed) => drawn(seed, { profile: 'beyond-budget' }).faults);
    expect(new Set(all.map(({ id }) => id))).toEqual(new Set(['clock/four', 'crash/one', 'crash/two', 'disk/five']));
    expect(new Set(all.map(({ params }) => params['downMax']))).toEqual(new Set([3]));
  });

  test('that cannot be drawn are refused with the reason', () => {
    expect(() => drawn(1, { only: ['crash/none'] })).toThrow("there is no fault 'crash/none'");
    expect(() => drawn(1, { only: ['disk/three'] })).toThrow("fault 'disk/three' needs disk, which scenario 'two-clients' does not have");
    expect(() => drawn(1, { only: ['clock/four'] })).toThrow("profile 'beyond-budget' draws it");
    expect(() => drawn(1, { only: ['disk/five'] })).toThrow("leaves no room for fault 'disk/five'");
  });
});
