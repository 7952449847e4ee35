/** The twin of one run, for the commands that make one. */
import type { Seed } from '../../src/run.js';
import { catalogue, find } from '../catalogue.js';
import { draw } from '../draw.js';
import type { CaseOutcome } from '../run-case.js';
import { Twin, twinEnvironment } from './twin.js';

/** What the twin's process has run before, so that what a run leaves behind can show. */
const SEEDS_BEFORE: readonly Seed[] = [1, 2];

export interface Twinned {
  /** The run, or the finding that it does something else elsewhere. */
  readonly outcome: CaseOutcome;
  /** Where it did the same, in words. */
  readonly equalIn?: string;
}

/** Runs a case that came to its end here again in another process. */
export async function twinOf(here: CaseOutcome, signal: AbortSignal): Promise<Twinned> {
  const { run } = here;
  const scenario = find('scenario', catalogue.scenarios, run.scenario);
  const twin = new Twin({ signal });
  try {
    await twin.warmUp(SEEDS_BEFORE.map((seed) => draw(seed, scenario, { faults: catalogue.faults })));
    const found = await twin.check(run.case, run);
    if (found.kind === 'equal') return { outcome: here, equalIn: twinEnvironment() };
    return { outcome: { ...here, run: { ...run, verdict: 'nondeterminism', reason: found.told } } };
  } finally {
    twin.end();
  }
}
