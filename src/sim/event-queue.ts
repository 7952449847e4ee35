/**
 * The future: a heap of events ordered by time, then by the order in which they were scheduled. Each entry has four below it: half as
 * many levels as with two, so fewer moves and fewer cache misses for the same number of comparisons.
 */
import type { Micros } from '../ports.js';
import type { Process } from './process.js';

/** Takes cancellations of the events it made. */
export interface Canceller {
  cancel(event: QueuedEvent): void;
}

/** Something that will happen. `callback` is undefined once it ran or was cancelled. It is its own handle. */
export class QueuedEvent {
  /** Drawn by strategies that order by priority; negative until drawn. */
  priority = -1;
  /** A fault has put it off once; nobody is asked again, or it would be put off for as long as the fault lasts. */
  putOff = false;

  constructor(
    /** Changes only while it is in no queue. */
    public at: Micros,
    readonly sequence: number,
    readonly owner: Process | undefined,
    readonly what: string,
    /** Index of the trace event that led to it. */
    readonly cause: number,
    public callback: (() => void) | undefined,
    readonly canceller: Canceller,
  ) {}

  cancel(): void {
    this.canceller.cancel(this);
  }
}

const before = (a: QueuedEvent, b: QueuedEvent): boolean => a.at < b.at || (a.at === b.at && a.sequence < b.sequence);

export class EventQueue {
  #heap: QueuedEvent[] = [];
  #cancelled = 0;

  /** Events in the heap, cancelled ones that were not yet swept included. */
  get length(): number {
    return this.#heap.length;
  }

  push(event: QueuedEvent): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(event);
    while (at > 0) {
      const parent = (at - 1) >> 2;
      const other = heap[parent] as QueuedEvent; // parent < at < length
      if (!before(event, other)) break;
      heap[at] = other;
      at = parent;
    }
    heap[at] = event;
  }

  peek(): QueuedEvent | undefined {
    return this.#heap[0];
  }

  pop(): QueuedEvent | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined) return undefined;
    if (heap.length > 0) this.#sink(last, 0);
    if (first.callback === undefined) this.#cancelled--;
    return first;
  }

  /** Marks an event that is in the heap as never to run. The heap is swept when more than half of it is such. */
  cancel(event: QueuedEvent): void {
    event.callback = undefined;
    this.#cancelled++;
    if (this.#cancelled > 64 && this.#cancelled * 2 > this.#heap.length) this.#sweep();
  }

  #sink(event: QueuedEvent, from: number): void {
    const heap = this.#heap;
    const length = heap.length;
    let at = from;
    for (;;) {
      const first = 4 * at + 1;
      if (first >= length) break;
      const end = Math.min(first + 4, length);
      let child = first;
      let smallest = heap[first] as QueuedEvent; // first < length
      for (let next = first + 1; next < end; next++) {
        const other = heap[next] as QueuedEvent; // next < length
        if (before(other, smallest)) {
          child = next;
          smallest = other;
        }
      }
      if (!before(smallest, event)) break;
      heap[at] = smallest;
      at = child;
    }
    heap[at] = event;
  }

  #sweep(): void {
    const heap = this.#heap.filter((event) => event.callback !== undefined);
    this.#heap = heap;
    this.#cancelled = 0;
    for (let at = (heap.length - 2) >> 2; at >= 0; at--) this.#sink(heap[at] as QueuedEvent, at); // at < length
  }
}
