/** What is known of a storm by now, whoever found it and how often it is told: each run counts once, and its folder has all of it. */
import type { StormReport } from '../../reports/storm-report.js';
import type { Visits } from '../conformance/visits.js';
import type { SeedResult } from './seed-result.js';
import type { Store } from './store.js';
import { Tally } from './tally.js';

export class Gathered {
  readonly tally: Tally;
  /** Positions in the plan. */
  readonly done: ReadonlySet<number>;
  readonly #done = new Set<number>();
  /** Who ran each, where there are several machines. */
  readonly #machineOf = new Map<number, string>();
  #store: Store | undefined;
  #sealed = false;

  constructor(scenarios: readonly string[]) {
    this.tally = new Tally(scenarios);
    this.done = this.#done;
  }

  /** What is gathered from here on is kept there. */
  keepIn(store: Store | undefined): void {
    this.#store = store;
  }

  /** A report is written: what comes now comes too late, and is left out. */
  seal(): void {
    this.#sealed = true;
  }

  /** @param machine who ran it, where there are several; the first one that is named counts. */
  add(results: readonly SeedResult[], visits: readonly Visits[], machine?: string): void {
    if (this.#sealed) return;
    const newVisits = this.tally.visit(visits);
    const newResults = results.filter(({ position }) => !this.#done.has(position));
    for (const result of newResults) {
      this.#done.add(result.position);
      this.tally.add(result);
    }
    if (machine !== undefined) {
      for (const { position } of results) if (!this.#machineOf.has(position)) this.#machineOf.set(position, machine);
    }
    if (newResults.length + newVisits.length > 0) this.#store?.append(newResults, newVisits);
  }

  /** Whether some machine is known to have run it. */
  isShared(position: number): boolean {
    return this.#machineOf.has(position);
  }

  /** How many runs each machine did, in order of their names. */
  machines(): NonNullable<StormReport['machines']> {
    const runs = new Map<string, number>();
    for (const machine of this.#machineOf.values()) runs.set(machine, (runs.get(machine) ?? 0) + 1);
    return [...runs].map(([name, own]) => ({ name, runs: own })).sort((a, b) => (a.name < b.name ? -1 : 1));
  }
}
