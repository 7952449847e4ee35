/**
 * Counts through all lists of choices. A run follows a list as far as it goes and takes the first way from there on; each decision it
 * met has other ways, and each of those is a list of its own. Lists with few turns away from the first way come first, so that the
 * first failure is a simple one, and a search that is cut short has seen all that few turns can do.
 */
import type { DecisionPoint } from '../../src/sim/explorer.js';

/** What a run is to choose, up to its last turn; then the first way each time. */
export type Route = readonly number[];

/** Routes of equally many turns, in the order in which they became known. */
interface Row {
  routes: Route[];
  next: number;
}

export class Odometer {
  /** By turns. */
  readonly #rows: Row[] = [{ routes: [[]], next: 0 }];
  /** How many ways of a decision are known as routes, by the choices before it. */
  readonly #ways = new Map<string, number>();
  #known = 1;
  #taken = 0;

  /** Routes found up to now, taken or not. */
  get known(): number {
    return this.#known;
  }

  /** Routes that wait to be taken. */
  get waiting(): number {
    return this.#known - this.#taken;
  }

  /** The fewest turns of a route that waits; undefined when none does. */
  get turns(): number | undefined {
    const turns = this.#rows.findIndex(({ routes, next }) => next < routes.length);
    return turns < 0 ? undefined : turns;
  }

  /** At most so many routes, all with the fewest turns. */
  take(most: number): Route[] {
    const row = this.#rows[this.turns ?? 0];
    if (row === undefined) return [];
    const taken = row.routes.slice(row.next, row.next + most);
    row.next += taken.length;
    this.#taken += taken.length;
    if (row.next === row.routes.length) {
      row.routes = [];
      row.next = 0;
    }
    return taken;
  }

  /** The run of this route met these decisions. Other ways of them are routes from now on, unless they are already. */
  branch(route: Route, points: readonly DecisionPoint[]): void {
    for (const { position, choices, own, entangled } of points) {
      const before = Array.from({ length: position }, (_, i) => route[i] ?? 0);
      const key = before.join();
      const known = this.#ways.get(key) ?? 1;
      const ways = entangled ? choices : Math.max(known, own);
      if (ways <= known) continue;
      this.#ways.set(key, ways);
      const turns = before.filter((choice) => choice > 0).length + 1;
      const row = (this.#rows[turns] ??= { routes: [], next: 0 });
      for (let way = known; way < ways; way++) row.routes.push([...before, way]);
      this.#known += ways - known;
    }
  }
}
