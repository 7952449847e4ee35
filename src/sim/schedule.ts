/** Who runs first among events that are ready at the same time. Every choice is a number that can be recorded and replayed. */
import type { Random } from '../ports.js';
import type { Strategy } from '../run.js';
import type { QueuedEvent } from './event-queue.js';

/** Picks an index of `ready`, which holds at least two events in the order they became ready. */
export interface Chooser {
  choose(ready: readonly QueuedEvent[], eventsRun: number): number;
}

/** The chooser of a strategy. `random` is its own stream. */
export function chooserOf(strategy: Strategy, random: Random): Chooser {
  switch (strategy.kind) {
    case 'fifo':
      return { choose: () => 0 };
    case 'random':
      return { choose: (ready) => random.int(ready.length) };
    case 'pct':
      return new Pct(strategy.depth, strategy.horizon, random);
    case 'pos':
      return new Pos(random);
    case 'replay':
      return new Replay(strategy.decisions);
  }
}

/** Events of one process are one thread of control; the world's own events are told apart by what they do. */
const threadOf = (event: QueuedEvent): string => event.owner?.node ?? `world ${event.what}`;

/**
 * Probabilistic concurrency testing: each thread has a fixed random priority, the highest runs; at `depth - 1` random moments the
 * thread about to run falls below all others. Finds a bug of depth d with a guaranteed probability.
 */
class Pct implements Chooser {
  readonly #priorities = new Map<string, number>();
  readonly #changes: number[];
  readonly #random: Random;
  #lowest = -1;

  constructor(depth: number, horizon: number, random: Random) {
    this.#random = random;
    this.#changes = Array.from({ length: Math.max(0, depth - 1) }, () => random.int(Math.max(1, horizon))).sort((a, b) => a - b);
  }

  choose(ready: readonly QueuedEvent[], eventsRun: number): number {
    let best = this.#highest(ready);
    const change = this.#changes[0];
    if (change !== undefined && eventsRun >= change) {
      this.#changes.shift();
      this.#priorities.set(threadOf(ready[best] as QueuedEvent), this.#lowest--); // best indexes ready
      best = this.#highest(ready);
    }
    return best;
  }

  #highest(ready: readonly QueuedEvent[]): number {
    let best = 0;
    let bestPriority = Number.NEGATIVE_INFINITY;
    for (let index = 0; index < ready.length; index++) {
      const priority = this.#priorityOf(threadOf(ready[index] as QueuedEvent)); // index < length
      // Strictly greater: events of one thread keep their order.
      if (priority > bestPriority) {
        best = index;
        bestPriority = priority;
      }
    }
    return best;
  }

  #priorityOf(thread: string): number {
    let priority = this.#priorities.get(thread);
    if (priority === undefined) {
      // A stream per thread: a thread more does not change the priorities of the others.
      priority = this.#random.fork(thread).int(2 ** 32);
      this.#priorities.set(thread, priority);
    }
    return priority;
  }
}

/** Partial order sampling: a random priority per event, the highest runs, and the events that race with it draw again. */
class Pos implements Chooser {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  choose(ready: readonly QueuedEvent[]): number {
    let best = 0;
    let bestPriority = -1;
    for (let index = 0; index < ready.length; index++) {
      const event = ready[index] as QueuedEvent; // index < length
      if (event.priority < 0) event.priority = this.#random.int(2 ** 32);
      if (event.priority > bestPriority) {
        best = index;
        bestPriority = event.priority;
      }
    }
    const chosen = ready[best] as QueuedEvent; // best indexes ready
    // Two events race when they act on the same process.
    for (const event of ready) {
      if (event !== chosen && event.owner === chosen.owner) event.priority = -1;
    }
    return best;
  }
}

class Replay implements Chooser {
  readonly #decisions: readonly number[];
  #at = 0;

  constructor(decisions: readonly number[]) {
    this.#decisions = decisions;
  }

  choose(ready: readonly QueuedEvent[]): number {
    const decision = this.#decisions[this.#at++] ?? 0;
    // A shrunk case may have fewer events ready than the recorded one.
    return Math.min(decision, ready.length - 1);
  }
}
