/** One run of a search: the small case, with its schedule and the fates of its commits chosen. */
import { type ChosenCommit, chosenCommits, fateVerdict } from '../../faults/database/chosen-commits.js';
import type { Fault } from '../../faults/fault.js';
import { judging } from '../../faults/fault.js';
import type { Scenario } from '../../scenarios/scenario.js';
import type { Micros } from '../../src/ports.js';
import type { Case } from '../../src/run.js';
import { type DecisionPoint, Exploration } from '../../src/sim/explorer.js';
import type { Catalogue } from '../catalogue.js';
import { type CaseVerdict, verdictOf } from '../case-verdict.js';
import { EffectsHash } from '../effects.js';
import { type Refusal, simulateCase, type Watching } from '../simulate-case.js';
import { chosenCase, fatesOf } from './small-case.js';
import type { StateTable } from './state-table.js';

export interface Search {
  readonly run: Case;
  readonly depth: number;
  /** How long after the beginning of the chaos phase decisions count. */
  readonly readyMicros: Micros;
  /** How many commits of a run may have a fate of their own. */
  readonly faults: number;
}

/** What one run met. */
export interface Explored {
  /** Branch points, those of the given choices too. */
  readonly points: readonly DecisionPoint[];
  /** It ended where an earlier batch had been before; there is no verdict then. */
  readonly isCut: boolean;
  /** Decisions from when nodes were ready to the end of the chaos phase, and how many of them were branch points. */
  readonly decisions: number;
  readonly branches: number;
  readonly events: number;
  readonly verdict: CaseVerdict;
  /** Does a failing run again. */
  readonly failing?: Case;
}

/** @param table states searched before; absent: nothing is cut. */
export async function exploreRun(
  { run, depth, readyMicros, faults }: Search,
  choices: readonly number[],
  catalogue: Catalogue,
  table: StateTable | undefined,
  watching: Watching = {},
): Promise<Explored | Refusal> {
  const scenario = catalogue.scenarios.find(({ id }) => id === run.scenario);
  if (scenario === undefined) return `there is no scenario '${run.scenario}'`;
  const exploration = new Exploration({
    choices,
    readyMicros,
    depth,
    isSearched: (state, decisionsLeft) => table?.has(state, decisionsLeft) === true,
    audiences: scenario.invariants.map(({ hears }) => hears),
  });
  const commits: ChosenCommit[] = [];
  const choosing = choosingCommits(run, scenario, exploration, faults, commits);
  const registry = catalogue.faults.map((fault) => (fault.id === choosing.id ? choosing : fault));
  const effects = new EffectsHash();
  const { listeners = [] } = watching;
  const simulated = await simulateCase(
    run,
    { ...catalogue, faults: registry },
    { ...watching, explorer: exploration, listeners: [...listeners, effects.listener] },
  );
  if (typeof simulated === 'string') return simulated;
  exploration.end();
  const { isCut, points, decisions, branches, indexes } = exploration;
  const verdict = verdictOf(simulated.run, effects.digest());
  return {
    points,
    isCut,
    decisions,
    branches,
    events: simulated.run.events,
    verdict,
    ...(isCut || verdict.verdict === 'pass' ? {} : { failing: chosenCase(run, indexes, commits) }),
  };
}

/** The scripted fault, asking the search instead of its script, and writing down what it was told. */
function choosingCommits(run: Case, scenario: Scenario, exploration: Exploration, most: number, chosen: ChosenCommit[]): Fault {
  const fates = fatesOf(run, scenario);
  return judging<'database', Parameters<typeof chosenCommits.shrink>[0]>('database', {
    ...chosenCommits,
    judge(event, params) {
      const { nodes } = params as unknown as { readonly nodes: readonly string[] }; // made by `smallCase`
      if (event.commit === undefined || chosen.length >= most || !nodes.includes(event.node)) return undefined;
      const fate = fates[exploration.chooseFault(fates.length + 1) - 1];
      if (fate === undefined) return undefined;
      chosen.push({ commit: event.commit, fate });
      return fateVerdict(fate);
    },
  });
}
