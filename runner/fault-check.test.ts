import { describe, expect, test } from 'vitest';
import { defineFault, defineScenario, type Fault, type Platform, type Scenario, type TraceEvent } from '../src/index.js';
import { checkFaults, type FaultCheck, faultFigures, faultTable, isInert, whyInert } from './fault-check.js';

const SEEDS = 100;
const BEATS = 20;
const BEAT_MICROS = 50_000;
const CHAOS_MICROS = BEATS * BEAT_MICROS;

/** A server that tells what it hears, and never looks at its clocks nor at its disk; a client that calls it at a steady beat. */
const listener: Scenario = defineScenario({
  id: 'listener',
  summary: 'one server hears the beats of one client',
  offers: ['network', 'clock'],
  invariants: [],
  parts: null,
  chaosMicros: [CHAOS_MICROS],
  convergenceMicros: CHAOS_MICROS,
  draw: () => ({ nodes: 1, clients: 1, operations: [] }),
  budget: () => ({
    nodes: ['n1'],
    clients: ['c1'],
    downMax: 0,
    lyingDisksMax: 0,
    clockSkewMicrosMax: 1_000_000,
    clockDriftPpmMax: 0,
    chaosMicros: CHAOS_MICROS,
  }),
  serve({ transport, tracer, lifecycle }: Platform) {
    transport.listen((from, [beat]) => tracer.emit({ type: 'listener.heard', from, beat } as TraceEvent['body']));
    return new Promise((resolve) => {
      lifecycle.onStop(() => Promise.resolve(resolve()));
    });
  },
  async client({ transport, clock }: Platform) {
    for (let beat = 0; beat < BEATS; beat++) {
      transport.send('n1', Uint8Array.of(beat));
      await clock.sleep(BEAT_MICROS);
    }
  },
});

const always = { draw: () => ({ startMicros: 0, durationMicros: CHAOS_MICROS }), shrink: () => [], check: () => undefined };
const common = { summary: 'planted', core: true, ...always } as const;

const deafness: Fault = defineFault({
  ...common,
  id: 'network/deafness',
  needs: ['network'],
  seam: 'packet',
  judge: () => ({ kind: 'drop' }),
});
/** Looks for a message that nobody sends. */
const inert: Fault = defineFault({
  ...common,
  id: 'network/inert',
  needs: ['network'],
  seam: 'packet',
  judge: ({ topic }) => (topic === 'never sent' ? { kind: 'drop' } : undefined),
});
/** Strikes, but what it strikes at is read by nobody. */
const impotent: Fault = defineFault({
  ...common,
  id: 'clock/impotent',
  needs: ['clock'],
  strike: (world) => void world.clock.jump('n1', 1_000),
});
const needy: Fault = defineFault({ ...common, id: 'disk/needy', needs: ['network', 'disk'], strike: () => undefined });
const ruinous: Fault = defineFault({
  ...common,
  id: 'network/ruinous',
  needs: ['network'],
  beyondBudget: true,
  seam: 'packet',
  judge: () => ({ kind: 'drop' }),
});

const PLANTED = [deafness, inert, impotent, needy, ruinous];
const ids = (checks: readonly FaultCheck[]): string[] => checks.map(({ id }) => id);

describe('a check of planted faults', async () => {
  const seen: number[] = [];
  // One after the other: a fault that drops everything would hide what the others do.
  const checks: FaultCheck[] = [];
  for (const fault of PLANTED) checks.push(...(await checkFaults([fault], listener, SEEDS, (seed) => seen.push(seed))));
  const checkOf = (id: string): FaultCheck => {
    const check = checks.find((one) => one.id === id);
    if (check === undefined) throw new Error(`${id} was not checked; ${ids(checks).join(', ')} were`);
    return check;
  };

  test('tells of each seed, once for each', () => {
    expect(seen).toEqual(PLANTED.flatMap(() => Array.from({ length: SEEDS }, (_, seed) => seed)));
  });

  test('finds that one matters in every seed in which it fired, as far as it looks', () => {
    const check = checkOf('network/deafness');
    expect(isInert(check)).toBe(false);
    expect(check.seedsDrawn).toBeGreaterThan(0);
    expect(check.seedsFired).toBe(check.seedsDrawn);
    expect(check.firings).toBeGreaterThanOrEqual(check.seedsFired);
    expect(check.potent).toBe(check.muted);
    expect(check.muted).toBeGreaterThan(0);
  });

  test('names one that is drawn and never fires', () => {
    const check = checkOf('network/inert');
    expect(check).toMatchObject({ seedsFired: 0, firings: 0, muted: 0, potent: 0, outOfReach: undefined });
    expect(check.seedsDrawn).toBeGreaterThan(0);
    expect(isInert(check)).toBe(true);
    expect(whyInert(check)).toBe(`inert: network/inert was drawn in ${check.seedsDrawn} seeds and fired in none`);
  });

  test('names one that fires and changes nothing', () => {
    const check = checkOf('clock/impotent');
    expect(check.seedsFired).toBeGreaterThan(0);
    expect(check).toMatchObject({ muted: check.seedsFired, potent: 0 });
    expect(isInert(check)).toBe(true);
    expect(whyInert(check)).toBe(
      `impotent: clock/impotent fired in ${check.seedsFired} seeds, and in none of ${check.muted} did it change what programs saw`,
    );
  });

  test('blames none that seeds cannot draw here', () => {
    expect(checkOf('disk/needy')).toMatchObject({ outOfReach: 'needs disk', seedsDrawn: 0 });
    expect(checkOf('network/ruinous')).toMatchObject({ outOfReach: 'beyond the budget', seedsDrawn: 0 });
    expect(ids(checks.filter(isInert))).toEqual(['network/inert', 'clock/impotent']);
  });

  test('puts the inert ones above the table, and every figure into it', () => {
    const table = faultTable(checks, listener.id, SEEDS);
    expect(table).toContain('\nInert: network/inert, clock/impotent.\n');
    expect(table).toContain('| disk/needy | core | needs disk | | | |');
    const { seedsDrawn, seedsFired, firings, muted, potent } = checkOf('network/deafness');
    expect(table).toContain(`| network/deafness | core | ${seedsDrawn} | ${seedsFired} | ${firings} | ${potent} of ${muted} |`);
    expect(faultTable([checkOf('network/deafness')], listener.id, SEEDS)).toContain('\nNo fault that seeds draw is inert.\n');
  });

  test('writes figures for all of them, by name', () => {
    const { seedsFired, potent } = checkOf('network/deafness');
    const figures = faultFigures(checks, listener.id, SEEDS);
    expect(figures).toContain(`  'network/deafness': { fired: ${seedsFired}, potent: ${potent} },`);
    expect([...figures.matchAll(/^ {2}'([^']+)'/gm)].map(([, id]) => id)).toEqual(ids(checks).sort());
  });
});

describe('a fault is inert', () => {
  const shown: FaultCheck = {
    id: 'network/loss',
    core: true,
    outOfReach: undefined,
    seedsDrawn: 9,
    seedsFired: 5,
    firings: 40,
    muted: 5,
    potent: 1,
  };

  test.each<readonly [string, Partial<FaultCheck>, boolean]>([
    ['when it fired in no seed', { seedsFired: 0, firings: 0, muted: 0, potent: 0 }, true],
    ['when no seed drew it though seeds can', { seedsDrawn: 0, seedsFired: 0, firings: 0, muted: 0, potent: 0 }, true],
    ['when it never mattered', { potent: 0 }, true],
    ['not when it mattered once', {}, false],
    ['not when seeds cannot draw it', { outOfReach: 'needs disk', seedsDrawn: 0, seedsFired: 0, potent: 0 }, false],
  ])('%s: %j', (_, change, expected) => {
    expect(isInert({ ...shown, ...change })).toBe(expected);
  });
});
