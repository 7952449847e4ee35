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

/** How a case is watched; nothing here changes what happens in it. */
export type Watching = Pick<
  SimulateOptions,
  'record' | 'drain' | 'muted' | 'recorder' | 'listeners' | 'onProgress' | 'explorer' | 'endsAt'
>;

export interface SimulatedCase extends Simulated {
  readonly conformance: Conformance;
}

/**
 * Simulates a case with the parts it names, held against every spec of the catalogue. Rejects for a broken assertion of the simulator,
 * and where a spec has no graph.
 */
export async function simulateCase(run: Case, catalogue: Catalogue, watching: Watching): Promise<SimulatedCase | Refusal> {
  const scenario = catalogue.scenarios.find(({ id }) => id === run.scenario);
  if (scenario === undefined) return `there is no scenario '${run.scenario}'`;
  const bug = catalogue.bugs.find(({ id }) => id === run.bug);
  if (run.bug !== undefined && bug === undefined) return `there is no known bug '${run.bug}'`;
  const conformance = new Conformance(await trackersOf(catalogue.mappings ?? []));
  const simulated = await simulate(run, {
    scenario,
    faults: catalogue.faults,
    ...(bug === undefined ? {} : { parts: bug.parts(scenario.parts) }),
    ...watching,
    conformance,
  });
  return { ...simulated, conformance };
}

/** Tells the watchdog of another thread where the run is. */
export const tellingProgress = (progress: Progress): NonNullable<Watching['onProgress']> => progress.write.bind(progress);
