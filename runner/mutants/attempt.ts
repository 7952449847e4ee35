/**
 * The storm that has to find a mutant, run by run. This module is loaded from the mutated build, beside the mutants; the test runner that
 * loads it is not mutated.
 */
import type { Case } from '../../src/run.js';
import { catalogue, DEFAULT_SCENARIO, find } from '../catalogue.js';
import { draw } from '../draw.js';
import { seedAfter } from '../seed.js';
import { simulateCase } from '../simulate-case.js';

/** A mutant that never comes to rest is ended here: no run of the correct runtime has had a fifth as many. */
const EVENTS_MAX = 200_000;
const FIRST_SEED = 7_000_000;
/** Every so many runs the scenario that has everything; the others take turns in between. */
const DEFAULT_EVERY = 4;

/** As on the thread of a storm: errors are thrown for every conflict, and nobody reads their stacks. */
Error.stackTraceLimit = 0;

export interface Attempt {
  readonly scenario: string;
  readonly seed: string;
  /** What broke first: an invariant, or the verdict of a run that broke none; null for a run that passed. */
  readonly failed: string | null;
  readonly detail: string;
  /** Of the run; empty where it came to none. */
  readonly traceHash: string;
}

/** The case of one run of the storm, counted from 0. */
export function caseOf(nth: number): Case {
  const others = catalogue.scenarios.filter(({ id }) => id !== DEFAULT_SCENARIO);
  const turn = nth - Math.floor(nth / DEFAULT_EVERY) - 1;
  const scenario = nth % DEFAULT_EVERY === 0 ? find('scenario', catalogue.scenarios, DEFAULT_SCENARIO) : others[turn % others.length];
  if (scenario === undefined) throw new Error(`${DEFAULT_SCENARIO} is the only scenario; a storm against mutants takes turns over several`);
  const drawn = draw(seedAfter(FIRST_SEED, nth), scenario, { faults: catalogue.faults });
  return { ...drawn, limits: { ...drawn.limits, events: EVENTS_MAX } };
}

/** Never rejects for what the program under test does, and not for a broken assertion of the simulator either: that is found too. */
export async function attempt(nth: number): Promise<Attempt> {
  const run = caseOf(nth);
  const named = { scenario: run.scenario, seed: String(run.seed) };
  try {
    const simulated = await simulateCase(run, catalogue, {});
    if (typeof simulated === 'string') return { ...named, failed: 'refused', detail: simulated, traceHash: '' };
    const { verdict, violations, reason = '', pending, traceHash } = simulated.run;
    const [violation] = violations;
    if (verdict === 'pass') return { ...named, failed: null, detail: '', traceHash };
    if (violation !== undefined)
      return { ...named, failed: violation.invariant, detail: `expected ${violation.expected}, seen ${violation.seen}`, traceHash };
    return { ...named, failed: verdict, detail: [reason, ...pending].filter((part) => part !== '').join('; '), traceHash };
  } catch (error) {
    return { ...named, failed: 'assertion', detail: String(error), traceHash: '' };
  }
}
