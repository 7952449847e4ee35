/**
 * How likely one more run shows something that no run has shown, by Good and Turing's idea (Good, "The Population Frequencies of Species
 * and the Estimation of Population Parameters", 1953): what has been seen once tells of what has not been seen. A run shows many things
 * at once, so what counts is the share of runs that alone showed something: each of them would have been news as the last one. That
 * leave-one-out estimate is unbiased for the last run, and so hardly above the truth for the next.
 */
import type { NewBehaviour, NewBehaviourEstimate } from '../../reports/storm-report.js';

/** What was seen of one kind: how many different things, how many of them in one run alone, and in which runs these were. */
export interface Species {
  readonly visited: number;
  readonly once: number;
  readonly runs: ReadonlySet<number>;
}

const MANY = -1;

/** Things by name, each with the run that has shown it, as long as that is one alone. In whatever order they come. */
export class Sightings {
  readonly #runs = new Map<string, number>();

  /** @param run a number from 0. */
  see(thing: string, run: number): void {
    const before = this.#runs.get(thing);
    if (before === undefined) this.#runs.set(thing, run);
    else if (before !== run) this.#runs.set(thing, MANY);
  }

  species(): Species {
    const alone = [...this.#runs.values()].filter((run) => run !== MANY);
    return { visited: this.#runs.size, once: alone.length, runs: new Set(alone) };
  }
}

/** Of all kinds together, and of each. Nothing is known before the first run: then all is new. */
export function newBehaviour(kinds: Readonly<Record<string, Species>>, runs: number): NewBehaviourEstimate {
  const all = Object.values(kinds);
  const whole: Species = {
    visited: all.reduce((sum, { visited }) => sum + visited, 0),
    once: all.reduce((sum, { once }) => sum + once, 0),
    runs: new Set(all.flatMap((kind) => [...kind.runs])),
  };
  return {
    ...told(whole, runs),
    runs,
    kinds: Object.fromEntries(Object.entries(kinds).map(([name, kind]) => [name, told(kind, runs)])),
  };
}

const told = ({ visited, once, runs: alone }: Species, runs: number): NewBehaviour => ({
  probability: runs === 0 ? 1 : alone.size / runs,
  singletons: once,
  behaviours: visited,
});
