/**
 * Adds up what many runs have visited of the specs, in whatever order their figures come. Of each state it is known whether no run, one
 * run or more than one has visited it, for what exactly one run has visited says how much is still to be found.
 */
import { z } from 'zod';
import type { SpecFigures } from '../../reports/storm-report.js';
import type { Coverage } from './conformance.js';

const ids = z.array(z.int().min(0));

export const VISITS_SCHEMA = z.strictObject({
  module: z.string(),
  statesReachable: z.int().min(0),
  transitionsReachable: z.int().min(0),
  /** A state that more than one run has visited is there twice. */
  states: ids,
  transitions: ids,
  certain: ids,
});

/** What some runs have visited of a module, as numbers of its graph. */
export type Visits = z.infer<typeof VISITS_SCHEMA>;

/** Counts up to two. */
class Counts {
  readonly #counts: Uint8Array;

  constructor(readonly size: number) {
    this.#counts = new Uint8Array(size);
  }

  /** False when nothing new was learned. */
  add(id: number, most: number): boolean {
    const count = this.#counts[id];
    if (count === undefined) throw new RangeError(`${id} is no number of a graph of ${this.size}`);
    if (count >= most) return false;
    this.#counts[id] = count + 1;
    return true;
  }

  seen(): number {
    return this.#counts.reduce((sum, count) => sum + (count > 0 ? 1 : 0), 0);
  }

  once(): number {
    return this.#counts.reduce((sum, count) => sum + (count === 1 ? 1 : 0), 0);
  }

  never(): number[] {
    const none: number[] = [];
    for (const [id, count] of this.#counts.entries()) if (count === 0) none.push(id);
    return none;
  }

  /** Each as often as it was counted. */
  all(): number[] {
    const all: number[] = [];
    for (const [id, count] of this.#counts.entries()) for (let times = 0; times < count; times++) all.push(id);
    return all;
  }
}

interface ModuleCounts {
  readonly states: Counts;
  readonly transitions: Counts;
  readonly certain: Counts;
}

export class VisitCounts {
  readonly #modules = new Map<string, ModuleCounts>();

  /** Takes in one run. */
  addRun(coverage: ReadonlyMap<string, Coverage>): void {
    for (const [module, { states, steps, certain }] of coverage) {
      const counts = this.#of(module, states.size, steps.size);
      for (const id of states.ids()) counts.states.add(id, 2);
      for (const id of steps.ids()) counts.transitions.add(id, 1);
      for (const id of certain.ids()) counts.certain.add(id, 1);
    }
  }

  /**
   * Takes in what others have counted over other runs, and returns the part of it that was news: whoever adds up that alone comes to
   * the same. Throws RangeError for figures of another graph.
   */
  add(visits: readonly Visits[]): Visits[] {
    return visits.flatMap((visited) => {
      const { module, statesReachable, transitionsReachable } = visited;
      const counts = this.#of(module, statesReachable, transitionsReachable);
      const states = visited.states.filter((id) => counts.states.add(id, 2));
      const transitions = visited.transitions.filter((id) => counts.transitions.add(id, 1));
      const certain = visited.certain.filter((id) => counts.certain.add(id, 1));
      const isNews = states.length + transitions.length + certain.length > 0;
      return isNews ? [{ module, statesReachable, transitionsReachable, states, transitions, certain }] : [];
    });
  }

  visits(): Visits[] {
    return [...this.#modules].map(([module, { states, transitions, certain }]) => ({
      module,
      statesReachable: states.size,
      transitionsReachable: transitions.size,
      states: states.all(),
      transitions: transitions.all(),
      certain: certain.all(),
    }));
  }

  /** In order of the modules' names. */
  figures(): Record<string, SpecFigures> {
    const sorted = [...this.#modules].sort(([a], [b]) => (a < b ? -1 : 1));
    return Object.fromEntries(
      sorted.map(([module, { states, transitions, certain }]) => [
        module,
        {
          statesVisited: states.seen(),
          statesReachable: states.size,
          transitionsVisited: transitions.seen(),
          transitionsReachable: transitions.size,
          statesCertain: certain.seen(),
        },
      ]),
    );
  }

  /** Of all modules together. */
  states(): { readonly visited: number; readonly once: number } {
    let visited = 0;
    let once = 0;
    for (const { states } of this.#modules.values()) {
      visited += states.seen();
      once += states.once();
    }
    return { visited, once };
  }

  /** Numbers of the graph that no run has visited; empty for a module that is not known. */
  unreached(module: string): { readonly states: readonly number[]; readonly transitions: readonly number[] } {
    const counts = this.#modules.get(module);
    return { states: counts?.states.never() ?? [], transitions: counts?.transitions.never() ?? [] };
  }

  #of(module: string, states: number, transitions: number): ModuleCounts {
    const known = this.#modules.get(module);
    if (known === undefined) {
      const counts = { states: new Counts(states), transitions: new Counts(transitions), certain: new Counts(states) };
      this.#modules.set(module, counts);
      return counts;
    }
    if (known.states.size !== states || known.transitions.size !== transitions) {
      throw new RangeError(
        `${module} has ${known.states.size} states and ${known.transitions.size} transitions, and these figures are of ${states} and ${transitions}: the spec has changed in between`,
      );
    }
    return known;
  }
}
