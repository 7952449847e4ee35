/**
 * Adds up what many runs have visited of the specs, in whatever order their figures come. Of each state it is known whether no run, one
 * run (and which) or more than one has visited it, for what one run alone has visited says how much is still to be found.
 */
import { z } from 'zod';
import type { SpecFigures } from '../../reports/storm-report.js';
import { Bits } from './bits.js';
import type { Coverage } from './conformance.js';

const ids = z.array(z.int().min(0));

export const VISITS_SCHEMA = z.strictObject({
  module: z.string(),
  statesReachable: z.int().min(0),
  transitionsReachable: z.int().min(0),
  /** States that more than one of the runs has visited. */
  states: ids,
  /** States that one of the runs alone has visited, by the number of the run. */
  alone: z.array(z.strictObject({ run: z.int().min(0), states: ids })),
  transitions: ids,
  certain: ids,
});

/** What some runs have visited of a module, as numbers of its graph. */
export type Visits = z.infer<typeof VISITS_SCHEMA>;

/** The places at which this value stands. A worker asks after every batch, of hundreds of thousands: an iterator would make a pair for each. */
function idsWith(values: Uint32Array, wanted: number): number[] {
  const all: number[] = [];
  for (let id = 0; id < values.length; id++) if (values[id] === wanted) all.push(id);
  return all;
}

/** False when nothing new was learned. */
function learn(bits: Bits, id: number): boolean {
  if (id >= bits.size) throw noNumber(id, bits.size);
  if (bits.has(id)) return false;
  bits.add(id);
  return true;
}

function absent(bits: Bits): number[] {
  const all: number[] = [];
  for (let id = 0; id < bits.size; id++) if (!bits.has(id)) all.push(id);
  return all;
}

const NOBODY = 0xffff_ffff;
const MANY = 0xffff_fffe;

/** Numbers of a graph, each with the run that has visited it, as long as that is one alone. */
class Visitors {
  readonly #visitors: Uint32Array;

  constructor(readonly size: number) {
    this.#visitors = new Uint32Array(size).fill(NOBODY);
  }

  /** False when nothing new was learned, as when the run is known to have been there. */
  add(id: number, run: number): boolean {
    const visitor = this.#visitors[id];
    if (visitor === undefined) throw noNumber(id, this.size);
    if (visitor === MANY || visitor === run) return false;
    this.#visitors[id] = visitor === NOBODY ? run : MANY;
    return true;
  }

  addMany(id: number): boolean {
    if (this.#visitors[id] === undefined) throw noNumber(id, this.size);
    if (this.#visitors[id] === MANY) return false;
    this.#visitors[id] = MANY;
    return true;
  }

  seen(): number {
    return this.#visitors.reduce((sum, visitor) => sum + (visitor === NOBODY ? 0 : 1), 0);
  }

  byMany(): number[] {
    return idsWith(this.#visitors, MANY);
  }

  never(): number[] {
    return idsWith(this.#visitors, NOBODY);
  }

  /** What one run alone has visited, by runs in the order of their numbers. */
  alone(): { run: number; states: number[] }[] {
    const runs = new Map<number, number[]>();
    for (let id = 0; id < this.size; id++) {
      const visitor = this.#visitors[id] ?? NOBODY;
      if (visitor === NOBODY || visitor === MANY) continue;
      const states = runs.get(visitor);
      if (states === undefined) runs.set(visitor, [id]);
      else states.push(id);
    }
    return [...runs].sort(([a], [b]) => a - b).map(([run, states]) => ({ run, states }));
  }
}

const noNumber = (id: number, size: number): RangeError => new RangeError(`${id} is no number of a graph of ${size}`);

interface ModuleCounts {
  readonly states: Visitors;
  readonly transitions: Bits;
  readonly certain: Bits;
}

export class VisitCounts {
  readonly #modules = new Map<string, ModuleCounts>();

  /** Takes in one run, by a number that is its own. */
  addRun(run: number, coverage: ReadonlyMap<string, Coverage>): void {
    for (const [module, { states, steps, certain }] of coverage) {
      const counts = this.#of(module, states.size, steps.size);
      for (const id of states.ids()) counts.states.add(id, run);
      counts.transitions.union(steps);
      counts.certain.union(certain);
    }
  }

  /**
   * Takes in what others have counted over other runs, and returns the part of it that was news: whoever adds up that alone comes to
   * the same. Throws RangeError for figures of another graph.
   */
  add(visits: readonly Visits[]): Visits[] {
    return visits.flatMap((visited) => {
      const { module, statesReachable, transitionsReachable } = visited;
      // That there is such a module is news too.
      const isFirst = !this.#modules.has(module);
      const counts = this.#of(module, statesReachable, transitionsReachable);
      const states = visited.states.filter((id) => counts.states.addMany(id));
      const alone = visited.alone
        .map(({ run, states: own }) => ({ run, states: own.filter((id) => counts.states.add(id, run)) }))
        .filter((one) => one.states.length > 0);
      const transitions = visited.transitions.filter((id) => learn(counts.transitions, id));
      const certain = visited.certain.filter((id) => learn(counts.certain, id));
      const isNews = isFirst || states.length + alone.length + transitions.length + certain.length > 0;
      return isNews ? [{ module, statesReachable, transitionsReachable, states, alone, transitions, certain }] : [];
    });
  }

  visits(): Visits[] {
    return [...this.#modules].map(([module, { states, transitions, certain }]) => ({
      module,
      statesReachable: states.size,
      transitionsReachable: transitions.size,
      states: states.byMany(),
      alone: states.alone(),
      transitions: transitions.ids(),
      certain: certain.ids(),
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
          transitionsVisited: transitions.count(),
          transitionsReachable: transitions.size,
          statesCertain: certain.count(),
        },
      ]),
    );
  }

  /** Of all modules together: states visited, those that one run alone has, and the numbers of these runs. */
  states(): { readonly visited: number; readonly once: number; readonly runs: ReadonlySet<number> } {
    let visited = 0;
    let once = 0;
    const runs = new Set<number>();
    for (const { states } of this.#modules.values()) {
      visited += states.seen();
      for (const { run, states: own } of states.alone()) {
        once += own.length;
        runs.add(run);
      }
    }
    return { visited, once, runs };
  }

  /** Numbers of the graph that no run has visited; empty for a module that is not known. */
  unreached(module: string): { readonly states: readonly number[]; readonly transitions: readonly number[] } {
    const counts = this.#modules.get(module);
    return { states: counts?.states.never() ?? [], transitions: counts === undefined ? [] : absent(counts.transitions) };
  }

  #of(module: string, states: number, transitions: number): ModuleCounts {
    const known = this.#modules.get(module);
    if (known === undefined) {
      const counts = { states: new Visitors(states), transitions: new Bits(transitions), certain: new Bits(states) };
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
