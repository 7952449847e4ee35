/**
 * For actors that keep in their state what their keys must show: they look at their keys in many ways, and answer how many looks they took
 * and how many of them showed just what the state says. Where the two numbers differ, state and keys do not tell one story.
 */
import type { Sequences } from '../invariants/state-consistency.js';
import type { Json } from '../src/kelpie/json.js';

export class Comparison {
  #looks = 0;
  #agreements = 0;

  look(expected: Json, shown: Json): void {
    this.#looks += 1;
    if (JSON.stringify(expected) === JSON.stringify(shown)) this.#agreements += 1;
  }

  get counts(): Sequences {
    return { stateSequence: this.#looks, keysSequence: this.#agreements };
  }
}
