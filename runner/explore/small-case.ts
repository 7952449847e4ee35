/** The case that a search goes through: what the scenario calls small, in a world without chance. */
import type { Scenario } from '../../scenarios/scenario.js';
import { COMMIT_FATES, type ChosenCommit, type CommitFate, chosenCommits } from '../../faults/database/chosen-commits.js';
import type { Micros, NodeId } from '../../src/ports.js';
import type { Case, FaultDraw } from '../../src/run.js';
import { limitsOf } from '../draw.js';
import { PLAIN_NETWORK } from '../plain-world.js';
import { UsageError } from '../usage-error.js';

/** Every way takes as long as any other. */
const LOCKSTEP_MICROS: Micros = 50_000;

export interface SmallCaseOptions {
  readonly bug?: string;
  /** How many commits may have a fate of their own. */
  readonly faults: number;
}

/** Whether a search has something to go through here. */
const isSmallable = (scenario: Scenario): boolean => scenario.small !== undefined;

/** Throws UsageError for a scenario that has no small case, naming those that have one. */
export function smallCase(
  scenario: Scenario,
  scenarios: readonly Scenario[],
  { bug, faults }: SmallCaseOptions,
): { readonly run: Case; readonly readyMicros: Micros } {
  if (scenario.small === undefined) {
    const others = scenarios.filter(isSmallable).map(({ id }) => id);
    throw new UsageError(`scenario '${scenario.id}' has no small case to explore; ${others.join(', ')} have one`);
  }
  const { workload, chaosMicros, readyMicros, seed } = scenario.small();
  const knobs = Object.fromEntries(Object.entries(scenario.knobs ?? {}).map(([name, { normal }]) => [name, normal]));
  const run: Case = {
    version: 1,
    seed,
    scenario: scenario.id,
    profile: 'none',
    ...(bug === undefined ? {} : { bug }),
    strategy: { kind: 'fifo' },
    // Boots, messages and answers all take one beat, so whatever races is ready together.
    quantumMicros: LOCKSTEP_MICROS,
    faults: [],
    network: PLAIN_NETWORK,
    workload,
    knobs,
    chaosMicros,
    limits: limitsOf(chaosMicros, scenario.convergenceMicros),
  };
  if (faults === 0 || !scenario.offers.includes('database')) return { run, readyMicros };
  const script = scripted(scenario.budget(workload, chaosMicros).nodes, chaosMicros, []);
  return { run: { ...run, faults: [script] }, readyMicros };
}

/** The fault is there from the beginning, also where it does nothing yet: so a case that it is scripted in has the same events. */
const scripted = (nodes: readonly NodeId[], chaosMicros: Micros, commits: readonly ChosenCommit[]): FaultDraw => ({
  id: chosenCommits.id,
  label: `${chosenCommits.id}#1`,
  params: { startMicros: 0, durationMicros: chaosMicros, nodes, commits },
});

/** The fates that the budget leaves room for. */
export function fatesOf(run: Case, scenario: Scenario): readonly CommitFate[] {
  const mayFall = scenario.budget(run.workload, run.chaosMicros).downMax > 0;
  return COMMIT_FATES.filter((fate) => mayFall || !fate.startsWith('crash'));
}

/** The case that does again what a search chose. */
export function chosenCase(run: Case, decisions: readonly number[], commits: readonly ChosenCommit[]): Case {
  // Behind the last turn the first way is taken anyway.
  const turns = decisions.findLastIndex((decision) => decision > 0) + 1;
  return {
    ...run,
    strategy: { kind: 'replay', decisions: decisions.slice(0, turns) },
    faults: run.faults.map((fault) => ({ ...fault, params: { ...fault.params, commits } })),
  };
}
