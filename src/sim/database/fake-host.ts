/**
 * The least world in which the database can be tried alone: time that jumps from event to event, and connections that take a
 * latency or break as a test says. Tests and the bench use it; a run has the kernel and the network.
 */
import { type Micros, type NodeId, PortError, type Random } from '../../ports.js';
import type { WorldEvent } from '../../trace.js';
import { inPlaceDrain, macrotask } from '../drain.js';
import type { Host, Incarnation, Scheduled, StreamLink, StreamMessage } from '../host.js';
import { randomOf } from '../random.js';
import type { DatabaseEvent, DatabaseVerdict, Held, Judge } from '../seams.js';

/**
 * What becomes of a message: it arrives after this long, or its connection breaks after this long. `straggle` is worse than a
 * StreamLink promises: the sender is told of a break, and as long again after that the message arrives all the same.
 */
export interface Fate {
  readonly kind: 'arrive' | 'break' | 'straggle';
  readonly micros: Micros;
}

export interface FakeHostOptions {
  readonly seed?: string;
  readonly fate?: (message: StreamMessage, random: Random) => Fate;
  readonly judge?: (event: DatabaseEvent, random: Random) => DatabaseVerdict | undefined;
  readonly killed?: (owner: Incarnation) => void;
}

export class FakeProcess implements Incarnation {
  alive = true;
  constructor(
    readonly node: NodeId,
    readonly life = 1,
  ) {}
}

interface Event {
  readonly at: Micros;
  readonly sequence: number;
  readonly owner: Incarnation | undefined;
  callback: (() => void) | undefined;
}

export class FakeHost implements Host, StreamLink {
  readonly judge: Judge;
  readonly told: { readonly node: NodeId; readonly event: WorldEvent }[] = [];
  readonly held: Held[] = [];
  readonly #options: FakeHostOptions;
  readonly #random: Random;
  readonly #chance: Random;
  /** A binary heap by time and sequence. */
  readonly #heap: Event[] = [];
  #now: Micros = 0;
  #sequence = 0;

  constructor(options: FakeHostOptions = {}) {
    this.#options = options;
    this.#random = randomOf(options.seed ?? 'fake');
    this.#chance = this.#random.fork('host');
    const { judge } = options;
    this.judge = {
      active: (seam) => judge !== undefined && seam === 'database',
      ask: (event) => judge?.(event as DatabaseEvent, this.#chance), // the only seam asked here is the database's
      hold: (held) => void this.held.push(held),
    };
  }

  now(): Micros {
    return this.#now;
  }

  after(micros: Micros, owner: Incarnation | undefined, _what: string, callback: () => void): Scheduled {
    const event: Event = { at: this.#now + micros, sequence: ++this.#sequence, owner, callback };
    this.#push(event);
    return {
      cancel: () => {
        event.callback = undefined;
      },
    };
  }

  tell(owner: Incarnation | undefined, event: WorldEvent): void {
    this.told.push({ node: owner?.node ?? '', event });
  }

  random(label: string): Random {
    return this.#random.fork(label);
  }

  kill(owner: Incarnation): void {
    (owner as FakeProcess).alive = false;
    this.#options.killed?.(owner);
  }

  send(message: StreamMessage): void {
    const fate = this.#options.fate?.(message, this.#chance) ?? { kind: 'arrive', micros: 1 };
    const { kind, micros } = fate;
    if (kind !== 'arrive') this.after(micros, message.sender, 'message', () => message.broken());
    if (kind !== 'break') this.after(kind === 'arrive' ? micros : 2 * micros, message.receiver, 'message', () => message.arrived());
  }

  /** Resolves after this much simulated time, as the process. */
  sleep(micros: Micros, owner?: Incarnation): Promise<void> {
    return new Promise((resolve) => void this.after(micros, owner, 'sleep', resolve));
  }

  /** Runs the body and the world until the body is done, one event at a time with all its microtasks. */
  run<T>(body: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      macrotask(() => {
        const drain = inPlaceDrain();
        if (drain === undefined) return reject(new Error('this host cannot drain microtasks in place'));
        let done = false;
        body().then(
          (value) => {
            done = true;
            resolve(value);
          },
          (error: unknown) => {
            done = true;
            reject(error);
          },
        );
        drain();
        while (!done) {
          if (!this.step()) return reject(new PortError('unavailable', 'nothing is left that could happen, and the body is not done'));
          drain();
        }
      });
    });
  }

  /** Runs one event; false when there is none. */
  step(): boolean {
    for (;;) {
      const event = this.#pop();
      if (event === undefined) return false;
      this.#now = event.at;
      const { callback, owner } = event;
      if (callback === undefined || owner?.alive === false) continue;
      callback();
      return true;
    }
  }

  #push(event: Event): void {
    const heap = this.#heap;
    let at = heap.push(event) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent] as Event; // within the heap
      if (!before(event, above)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = event;
  }

  #pop(): Event | undefined {
    const heap = this.#heap;
    const top = heap[0];
    const last = heap.pop();
    if (top === undefined || last === undefined || heap.length === 0) return top;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      const right = heap[child + 1];
      if (right !== undefined && before(right, heap[child] as Event)) child++; // both within the heap
      const below = heap[child] as Event; // within the heap
      if (!before(below, last)) break;
      heap[at] = below;
      at = child;
    }
    heap[at] = last;
    return top;
  }
}

const before = (a: Event, b: Event): boolean => (a.at !== b.at ? a.at < b.at : a.sequence < b.sequence);
