/** What the script of a counterexample asks of a client that runs as another process. */
import type { Clock, Micros } from '../../src/ports.js';

const POLL_MICROS: Micros = 500;

export class Orders<Order> {
  #waiting: Order[] = [];
  #given = 0;
  #done = 0;
  #over = false;

  give(order: Order): void {
    this.#given += 1;
    this.#waiting.push(order);
  }

  /** How many were given. */
  get given(): number {
    return this.#given;
  }

  /** Whatever was asked for has come to its end. */
  get idle(): boolean {
    return this.#done === this.#given;
  }

  end(): void {
    this.#over = true;
  }

  /** Begins each order when it is given, whatever others are under way, until the end. */
  async carryOut(clock: Clock, begin: (order: Order) => Promise<void>): Promise<void> {
    while (!this.#over) {
      // Another process gives them, so they are looked for and not waited for.
      for (const order of this.#waiting.splice(0)) void begin(order).then(() => (this.#done += 1));
      await clock.sleep(POLL_MICROS);
    }
  }
}
