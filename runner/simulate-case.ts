/** What every worker thread does with a case: finds its parts in the catalogue and simulates it, telling the watchdog where it is. */
import type { Case } from '../src/run.js';
import { type Simulated, type SimulateOptions, simulate } from '../src/sim/simulate.js';
import type { Catalogue } from './catalogue.js';
import { Conformance } from './conformance/conformance.js';
import { trackersOf } from './conformance/trackers.js';
import type { Progress } from './progress.js';

/** Why a case cannot be run at all, in words. */
export type Refusal = string;

/** Loads a module that exports `catalogue`: parts are functions, and functions cannot be sent to a thread. */
export async function loadCatalogue(url: string): Promise<Catalogue | Refusal> {
  try {
    const { catalogue } = (await import(url)) as { readonly catalogue: Catalogue };
    return catalogue;
  } catch (error) {
    return `the catalogue ${url} cannot be loaded: ${String(error)}`;
  }
}

/** How a case is watched; nothing here changes what happens in it, but that a run which is judged ends where it breaks a promise. */
export type Watching = Pick<
  SimulateOptions,
  'record' | 'drain' | 'muted' | 'recorder' | 'listeners' | 'onProgress' | 'explorer' | 'endsAt' | 'keeper'
> & {
  /** False where only what happens is asked for: no promise and no spec is looked at, which is a third of the work. */
  readonly judged?: boolean;
};

export interface SimulatedCase extends Simulated {
  readonly conformance: Conformance;
}

/**
 * Simulates a case with the parts it names, held against every spec of the catalogue unless it is not judged. Rejects for a broken
 * assertion of the simulator, and where a spec has no graph.
 */
export async function simulateCase(
  run: Case,
  catalogue: Catalogue,
  { judged = true, ...watching }: Watching,
): Promise<SimulatedCase | Refusal> {
  const scenario = catalogue.scenarios.find(({ id }) => id === run.scenario);
  if (scenario === undefined) return `there is no scenario '${run.scenario}'`;
  const bug = catalogue.bugs.find(({ id }) => id === run.bug);
  if (run.bug !== undefined && bug === undefined) return `there is no known bug '${run.bug}'`;
  const conformance = new Conformance(judged ? await trackersOf(catalogue.mappings ?? []) : []);
  const simulated = await simulate(run, {
    scenario: judged ? scenario : { ...scenario, invariants: [] },
    faults: catalogue.faults,
    ...(bug === undefined ? {} : { parts: bug.parts(scenario.parts) }),
    ...watching,
    conformance,
  });
  return { ...simulated, conformance };
}

/** Tells the watchdog of another thread where the run is. */
export const tellingProgress = (progress: Progress): NonNullable<Watching['onProgress']> => progress.write.bind(progress);
