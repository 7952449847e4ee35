/**
 * Adds up results, in whatever order they come: workers finish as they please, and the report must not depend on it. Holds figures
 * and failures only, so that its size does not grow with the number of runs that pass.
 */
import type { FailureGroup, FaultFigures, StormReport } from '../../reports/storm-report.js';
import type { Catalogue } from '../catalogue.js';
import { VisitCounts, type Visits } from '../conformance/visits.js';
import { newBehaviour, Sightings } from './new-behaviour.js';
import { type Plan, runsOf } from './plan.js';
import { type FiredRun, POTENCY_TRIES, type Potency } from './potency.js';
import type { SeedResult } from './seed-result.js';
import type { Stopped } from './storm.js';

/** A fault that fewer seeds drew may just not have met its moment. */
const DRAWN_MIN = 5;
/** In fewer default seeds than this a rare situation or fault may be missed by chance. */
const DECIDING_SEEDS_MIN = 1_000;
/** Seeds of one group that the report names; `count` has them all. */
const SEEDS_NAMED_MAX = 100;

interface Group {
  count: number;
  /** In order of position. */
  first: SeedResult[];
  smallest: SeedResult;
}

export interface Session {
  readonly stopped: Stopped | undefined;
  /** Wall time of this session, and how many runs it did. */
  readonly wallMs: number;
  readonly runs: number;
  /** The command that runs a seed again. */
  readonly commandOf: (scenario: string, seed: SeedResult['seed']) => string;
  /** Absent where it ran on one. */
  readonly machines?: StormReport['machines'];
  /** Absent where nobody looked. */
  readonly potency?: readonly Potency[];
}

export class Tally {
  readonly #scenarios = new Map<string, { seeds: number; failed: number }>();
  readonly #groups = new Map<string, Group>();
  readonly #drawn = new Map<string, number>();
  readonly #fired = new Map<string, number>();
  readonly #reached = new Map<string, number>();
  /** The first runs in which each fault fired, by position. */
  readonly #firedAt = new Map<string, readonly FiredRun[]>();
  readonly #twins = { checked: 0, differed: 0 };
  readonly #visits = new VisitCounts();
  readonly #situations = new Sightings();
  readonly #faultsInSituations = new Sightings();
  readonly #failures = new Sightings();
  runs = 0;
  failed = 0;

  constructor(scenarios: readonly string[]) {
    for (const id of scenarios) this.#scenarios.set(id, { seeds: 0, failed: 0 });
  }

  add(result: SeedResult): void {
    this.runs++;
    const scenario = this.#scenarios.get(result.scenario);
    if (scenario === undefined) throw new RangeError(`a result of scenario '${result.scenario}', which is not in this storm`);
    scenario.seeds++;
    for (const id of result.drawn) count(this.#drawn, id);
    for (const id of result.fired) {
      count(this.#fired, id);
      const runs = [...(this.#firedAt.get(id) ?? []), { position: result.position, events: result.events }];
      this.#firedAt.set(id, runs.sort((a, b) => a.position - b.position).slice(0, POTENCY_TRIES));
    }
    for (const name of result.reached) count(this.#reached, name);
    this.#see(result);
    if (result.twin !== null) this.#twins.checked++;
    if (result.verdict === 'nondeterminism') this.#twins.differed++;
    if (result.signature === null) return;
    this.failed++;
    scenario.failed++;
    this.#addFailure(`${result.scenario} ${result.signature}`, result);
  }

  get firedAt(): ReadonlyMap<string, readonly FiredRun[]> {
    return this.#firedAt;
  }

  /** Takes in what a batch has visited of the specs, and returns the part of it that was news. */
  visit(visits: readonly Visits[]): Visits[] {
    return this.#visits.add(visits);
  }

  /** The smallest failure of each group, in the order of the report. */
  examples(): readonly SeedResult[] {
    return this.#ordered().map(({ smallest }) => smallest);
  }

  report(plan: Plan, catalogue: Catalogue, { stopped, wallMs, runs, commandOf, machines, potency }: Session): StormReport {
    const ids = [...this.#drawn.keys()].sort();
    const faults: FaultFigures[] = ids.map((id) => ({
      id,
      seedsDrawn: this.#drawn.get(id) ?? 0,
      seedsFired: this.#fired.get(id) ?? 0,
    }));
    const marks = catalogue.scenarios.filter(({ id }) => plan.scenarios.includes(id)).flatMap((one) => Object.keys(one.sometimes ?? {}));
    const sometimes = Object.fromEntries([...new Set(marks)].sort().map((name) => [name, this.#reached.get(name) ?? 0]));
    return {
      scenarios: [...this.#scenarios].map(([id, { seeds, failed }]) => ({ id, seeds, failed })),
      profile: plan.profile,
      bug: plan.bug,
      from: plan.from,
      shard: plan.shard,
      seeds: this.runs,
      notRun: runsOf(plan) - this.runs,
      stopped: stopped ?? null,
      passed: this.runs - this.failed,
      failed: this.failed,
      failures: this.#ordered().map((group) => told(group, commandOf)),
      faults,
      inert: faults.filter(({ seedsDrawn, seedsFired }) => seedsDrawn >= DRAWN_MIN && seedsFired === 0).map(({ id }) => id),
      impotent: potency?.filter(({ potent }) => !potent).map(({ id }) => id) ?? null,
      sometimes,
      neverReached: Object.keys(sometimes).filter((name) => sometimes[name] === 0),
      coverage: this.coverage(plan),
      twins: { ...this.#twins },
      spec: this.#visits.figures(),
      newBehaviourEstimate: newBehaviour(
        {
          situations: this.#situations.species(),
          faultsInSituations: this.#faultsInSituations.species(),
          failures: this.#failures.species(),
          specStates: this.#visits.states(),
        },
        this.runs,
      ),
      ...(machines === undefined ? {} : { machines }),
      wallMs: Math.round(wallMs),
      seedsPerSecond: wallMs === 0 ? 0 : Math.round((runs / wallMs) * 10_000) / 10,
    };
  }

  #addFailure(key: string, result: SeedResult): void {
    const group = this.#groups.get(key);
    if (group === undefined) {
      this.#groups.set(key, { count: 1, first: [result], smallest: result });
      return;
    }
    group.count++;
    group.first = [...group.first, result].sort((a, b) => a.position - b.position).slice(0, SEEDS_NAMED_MAX);
    if (smaller(result, group.smallest) < 0) group.smallest = result;
  }

  #ordered(): Group[] {
    return [...this.#groups.values()].sort((a, b) => smaller(a.smallest, b.smallest));
  }

  /** Whether what a storm of this plan did not come to see fails it. */
  coverage({ profile, bug, scenarios }: Plan): StormReport['coverage'] {
    const seeds = Math.min(...scenarios.map((id) => this.#scenarios.get(id)?.seeds ?? 0));
    const names = 'inert and impotent faults and situations never reached';
    if (profile !== 'swarm')
      return { decides: false, rule: `${names} do not decide: only default seeds must cover all, and this is profile ${profile}` };
    if (bug !== null) return { decides: false, rule: `${names} do not decide: a run with a known bug may end early` };
    if (seeds < DECIDING_SEEDS_MIN) {
      return {
        decides: false,
        rule: `${names} do not decide: it takes ${DECIDING_SEEDS_MIN} default seeds of each scenario, and these are ${seeds}`,
      };
    }
    return { decides: true, rule: `${names} fail a storm of at least ${DECIDING_SEEDS_MIN} default seeds` };
  }

  /** A situation worth reaching is a phase of a protocol that mattered to whoever named it, so a fault is new where it meets another one. */
  #see({ position, scenario, reached, fired, signature }: SeedResult): void {
    for (const name of reached) this.#situations.see(name, position);
    for (const id of fired) for (const name of ['', ...reached]) this.#faultsInSituations.see(`${id} ${name}`, position);
    if (signature !== null) this.#failures.see(`${scenario} ${signature}`, position);
  }
}

/** Whether a storm that looks like this is no success. */
export const isBad = ({ failed, coverage, inert, impotent, neverReached }: StormReport): boolean =>
  failed > 0 || (coverage.decides && inert.length + neverReached.length + (impotent?.length ?? 0) > 0);

const smaller = (a: SeedResult, b: SeedResult): number => a.events - b.events || a.position - b.position;

function told({ count: all, first, smallest }: Group, commandOf: Session['commandOf']): FailureGroup {
  const { scenario, signature, verdict, seed, events, traceHash } = smallest;
  return {
    scenario,
    signature: signature ?? verdict,
    verdict,
    count: all,
    seeds: first.map((result) => result.seed),
    smallest: { seed, events, traceHash },
    reproduce: commandOf(scenario, seed),
  };
}

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}
