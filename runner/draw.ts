/**
 * Seed and scenario in, fully expanded case out: a pure function. Every choice has a random stream of its own, named by what
 * it chooses, so that a new fault, knob or option never changes what a seed draws for the others.
 */
import type { Fault } from '../faults/fault.js';
import type { KnobRange, Scenario } from '../scenarios/scenario.js';
import type { Micros, NodeId, Random } from '../src/ports.js';
import type { Case, FaultDraw, Limits, NetworkShape, Profile, Seed, Strategy } from '../src/run.js';
import { randomOf } from '../src/sim/random.js';
import type { Budget } from '../src/sim/seams.js';
import { UsageError } from './usage-error.js';

/** The strategies a seed may draw, and a caller may ask for. */
export const DRAWN_STRATEGIES = ['random', 'pct', 'pos'] as const;
export type DrawnStrategy = (typeof DRAWN_STRATEGIES)[number];

export interface DrawOptions {
  /** Every fault that may be drawn. */
  readonly faults: readonly Fault[];
  /** `swarm` when absent. */
  readonly profile?: Profile;
  /** Exactly these faults instead of the profile's choice; each draws what it draws without this option. */
  readonly only?: readonly string[];
  readonly strategy?: DrawnStrategy;
  /** Length of the chaos phase. */
  readonly chaosMicros?: Micros;
  /** Id of the known bug that the run is to carry. */
  readonly bug?: string;
}

/** What a scenario must have for a case to be drawn for it. */
export type DrawableScenario = Pick<
  Scenario,
  'id' | 'offers' | 'knobs' | 'choices' | 'draw' | 'budget' | 'convergenceMicros' | 'chaosMicros' | 'faultFactor'
>;

const SECOND: Micros = 1_000_000;
const CHAOS_MICROS: readonly Micros[] = [4, 4, 8, 8, 16, 32].map((seconds) => seconds * SECOND);
/** Shorter ones have no room for a workload, longer ones none for the limits. */
const CHAOS_MICROS_MIN: Micros = 1_000;
const CHAOS_MICROS_MAX: Micros = 365 * 24 * 3_600 * SECOND;
const QUANTA_MICROS: readonly Micros[] = [1, 50, 500, 5_000];
/** Depth 1 is fixed priorities without any change; bugs of depth above 5 have hardly been seen (Burckhardt et al.). */
const PCT_DEPTHS: readonly number[] = [2, 3, 4, 5];
/** Over how many events the priority changes of PCT are spread; runs differ in length by more than an order of magnitude. */
const PCT_HORIZONS: readonly number[] = [200, 1_000, 5_000, 20_000];
/**
 * In how many of 1000 cases each fault is in, drawn once a seed. Of a hundred and more faults that is none in some seeds, one to three
 * in some, four to twelve in most. Dense seeds are few: there faults hide each other (half of them fire, instead of two thirds; of those
 * that need a peer, one in forty instead of one in six). But there any two meet, so that every pair does in a thousand seeds.
 */
const SWARM_PER_MILLE: readonly number[] = [0, 0, 15, 15, 30, 30, 50, 50, 70, 70, 90, 90, 110, 110, 250, 400];
const CALM_PER_MILLE = 60;
/** Even where a scenario asks for more of them, some faults are left out. */
const DENSEST_PER_MILLE = 600;
const MILLE = 1_000;
/** How often a fault that is in comes. */
const SWARM_EPISODES: readonly number[] = [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 3];
/** How rarely an active site takes its rare way; one in four is what FoundationDB's simulation found useful. */
const CHOICE_ONE_IN: readonly number[] = [2, 4, 4, 16, 64];
const EVENTS_MAX = 20_000_000;
const QUEUE_LENGTH_MAX = 200_000;
/** A run is set up, heals and reads back, each within the scenario's bound of convergence. */
const CONVERGENCES_MAX = 3;

/** Expands a seed. Throws UsageError for an impossible length of the chaos phase, and when `only` names a fault that `faults` lacks, or one that the scenario has no use or room for. */
export function draw(seed: Seed, scenario: DrawableScenario, options: DrawOptions): Case {
  const random = randomOf(seed).fork('draw');
  const profile = options.profile ?? 'swarm';
  const chaosMicros = options.chaosMicros ?? random.fork('chaos').pick(scenario.chaosMicros ?? CHAOS_MICROS);
  if (!Number.isSafeInteger(chaosMicros) || chaosMicros < CHAOS_MICROS_MIN || chaosMicros > CHAOS_MICROS_MAX) {
    throw new UsageError(`the chaos phase must last from 1 ms to 365 days of simulated time, not ${chaosMicros} us`);
  }
  const workload = scenario.draw(random.fork('workload'), chaosMicros);
  const promised = scenario.budget(workload, chaosMicros);
  const widest = profile === 'beyond-budget' ? widened(promised) : promised;
  const budget = { ...widest, lyingDisks: drawLiars(random.fork('lying disks'), widest) };
  return {
    version: 1,
    seed,
    scenario: scenario.id,
    profile,
    ...(options.bug === undefined ? {} : { bug: options.bug }),
    strategy: drawStrategy(random.fork('strategy'), options.strategy),
    quantumMicros: random.fork('quantum').pick(QUANTA_MICROS),
    faults: drawFaults(random.fork('faults'), scenario, budget, profile, options),
    network: drawNetwork(random.fork('network')),
    workload,
    knobs: drawKnobs(random.fork('knobs'), scenario.knobs ?? {}),
    choices: profile === 'none' ? {} : drawChoices(random.fork('choices'), Object.keys(scenario.choices ?? {})),
    chaosMicros,
    limits: limitsOf(chaosMicros, scenario.convergenceMicros),
  };
}

/** Why a fault cannot be part of a run of this scenario, whatever the sizes of the run, in words, or undefined when it can. */
export function whyNotOffered(fault: Fault, scenario: Pick<Scenario, 'id' | 'offers'>, profile: Profile): string | undefined {
  const missing = fault.needs.filter((need) => !scenario.offers.includes(need));
  if (missing.length > 0) {
    return `fault '${fault.id}' needs ${missing.join(', ')}, which scenario '${scenario.id}' does not have; 'kelpie-dst list scenarios --json' says what each one offers`;
  }
  if (fault.beyondBudget === true && profile !== 'beyond-budget') {
    return `fault '${fault.id}' is beyond what the protocol promises to survive; profile 'beyond-budget' draws it`;
  }
  return undefined;
}

/** Why a fault cannot be drawn within this budget, in words, or undefined when it can. */
function whyNotDrawable(fault: Fault, scenario: DrawableScenario, profile: Profile, budget: Budget): string | undefined {
  const wrong = whyNotOffered(fault, scenario, profile);
  if (wrong !== undefined) return wrong;
  if (fault.scripted === true) return `fault '${fault.id}' is never drawn: it is for cases that 'kelpie-dst explore' makes`;
  if (fault.allowed?.(budget) === false) {
    return `the budget of scenario '${scenario.id}' leaves no room for fault '${fault.id}'; profile 'beyond-budget' lifts the budget`;
  }
  return undefined;
}

function drawStrategy(random: Random, wanted: DrawnStrategy | undefined): Strategy {
  const kind = wanted ?? random.fork('kind').pick(DRAWN_STRATEGIES);
  if (kind !== 'pct') return { kind };
  const pct = random.fork('pct');
  return { kind, depth: pct.fork('depth').pick(PCT_DEPTHS), horizon: pct.fork('horizon').pick(PCT_HORIZONS) };
}

function drawFaults(
  random: Random,
  scenario: DrawableScenario,
  budget: Budget,
  profile: Profile,
  { faults, only }: DrawOptions,
): FaultDraw[] {
  for (const id of only ?? []) {
    const fault = faults.find((one) => one.id === id);
    const wrong = fault === undefined ? `there is no fault '${id}'` : whyNotDrawable(fault, scenario, profile, budget);
    if (wrong !== undefined) throw new UsageError(wrong);
  }
  const density = Math.min(random.fork('density').pick(SWARM_PER_MILLE) * (scenario.faultFactor ?? 1), DENSEST_PER_MILLE);
  const draws: FaultDraw[] = [];
  // By id, so that the order of the registry does not matter.
  for (const fault of [...faults].sort((a, b) => (a.id < b.id ? -1 : 1))) {
    if (whyNotDrawable(fault, scenario, profile, budget) !== undefined) continue;
    const own = random.fork(fault.id);
    const isIn = own.fork('in');
    if (only === undefined ? !chosen(profile, fault, density, isIn) : !only.includes(fault.id)) continue;
    const episodes = profile === 'all' ? 1 : own.fork('episodes').pick(SWARM_EPISODES);
    for (let episode = 1; episode <= episodes; episode++) {
      const label = `${fault.id}#${episode}`;
      const params = fault.draw(own.fork(`#${episode}`), budget);
      draws.push({ id: fault.id, label, params });
      for (const [i, companion] of (fault.brings?.(params, own.fork(`#${episode} brings`), budget) ?? []).entries()) {
        const other = faults.find(({ id }) => id === companion.id);
        if (other === undefined || whyNotDrawable(other, scenario, profile, budget) !== undefined) continue;
        if (only !== undefined && !only.includes(other.id)) continue;
        draws.push({ id: other.id, label: `${other.id}#${label}.${i + 1}`, params: companion.params });
      }
    }
  }
  return draws;
}

function chosen(profile: Profile, fault: Fault, density: number, random: Random): boolean {
  switch (profile) {
    case 'none':
      return false;
    case 'calm':
      return fault.core && random.chance(CALM_PER_MILLE, MILLE);
    case 'all':
      return true;
    case 'swarm':
    case 'beyond-budget':
      return random.chance(density, MILLE);
  }
}

/** The disks that may lie, once a seed: else faults that each keep to the bound would together go beyond it, and none would stay a true copy. */
function drawLiars(random: Random, { nodes, lyingDisksMax }: Budget): readonly NodeId[] {
  const liars = new Set(random.shuffle(nodes).slice(0, lyingDisksMax));
  return nodes.filter((node) => liars.has(node));
}

/** A budget that promises nothing: every server may be down, every disk may lie, clocks may be far off. */
function widened(budget: Budget): Budget {
  const nodes = budget.nodes.length;
  return {
    ...budget,
    downMax: nodes,
    lyingDisksMax: nodes,
    clockSkewMicrosMax: Math.max(10 * budget.clockSkewMicrosMax, 10 * SECOND),
    clockDriftPpmMax: Math.max(10 * budget.clockDriftPpmMax, 10_000),
  };
}

/** Same rack, same region, or half around the world; sometimes with long tails, sometimes with a narrow pipe. */
const NETWORKS: readonly { readonly min: readonly [Micros, Micros]; readonly spread: readonly [Micros, Micros] }[] = [
  { min: [20, 200], spread: [20, 300] },
  { min: [200, 1_500], spread: [100, 2_000] },
  { min: [2_000, 40_000], spread: [1_000, 40_000] },
];
const BYTES_PER_SECOND: readonly number[] = [1_250_000, 12_500_000, 125_000_000];

function drawNetwork(random: Random): NetworkShape {
  const { min, spread } = random.fork('kind').pick(NETWORKS);
  const latencyMicrosMin = random.fork('min').between(...min);
  const tail = random.fork('tail');
  const hasTail = tail.chance(1, 2);
  const bandwidth = random.fork('bandwidth');
  return {
    latencyMicrosMin,
    latencyMicrosMax: latencyMicrosMin + random.fork('max').between(...spread),
    jitterMicros: random.fork('jitter').between(0, Math.floor(latencyMicrosMin / 2)),
    tailOneIn: hasTail ? tail.fork('one-in').between(50, 2_000) : 0,
    tailMicros: hasTail ? tail.fork('micros').between(10_000, 1_000_000) : 0,
    bytesPerSecond: bandwidth.chance(1, 4) ? bandwidth.pick(BYTES_PER_SECOND) : 0,
  };
}

/** In a quarter of the seeds half of the knobs leave their normal value, often for an end of their range. */
function drawKnobs(random: Random, ranges: Readonly<Record<string, KnobRange>>): Record<string, number> {
  const turned = random.fork('turned').chance(1, 4);
  const knobs: Record<string, number> = {};
  for (const name of Object.keys(ranges).sort()) {
    const { min, max, normal } = ranges[name] as KnobRange; // the name is a key of ranges
    const own = random.fork(`knob ${name}`);
    knobs[name] = turned && own.chance(1, 2) ? own.pick([min, max, own.between(min, max), own.between(min, max)]) : normal;
  }
  return knobs;
}

/** Half of the seeds take no rare way at all; in the others each site is active with one chance in two: in a quarter of the runs. */
function drawChoices(random: Random, sites: readonly string[]): Record<string, number> {
  if (!random.fork('any').chance(1, 2)) return {};
  const choices: Record<string, number> = {};
  for (const site of [...sites].sort()) {
    const own = random.fork(`site ${site}`);
    if (own.chance(1, 2)) choices[site] = own.pick(CHOICE_ONE_IN);
  }
  return choices;
}

export const limitsOf = (chaosMicros: Micros, convergenceMicros: Micros): Limits => ({
  events: EVENTS_MAX,
  simMicros: chaosMicros + CONVERGENCES_MAX * convergenceMicros + SECOND,
  queueLength: QUEUE_LENGTH_MAX,
});
