/**
 * Many deadlines on one timer. Almost every deadline is taken back before it is reached, so a timer for each would fill the queue
 * of the host with cancelled ones. Deadlines are gathered in buckets; one that is reached is told up to one bucket late, in the
 * order in which those of its bucket were set.
 */
import type { Clock, Micros, Timer } from '../ports.js';

/** Width of a bucket. */
export const DEADLINE_GRAIN_MICROS: Micros = 10_000;

/** A pending deadline; `clear` takes it back. */
export interface Deadline {
  clear(): void;
}

class Entry implements Deadline {
  constructor(
    readonly bucket: Set<Entry>,
    readonly reached: () => void,
  ) {}
  clear(): void {
    this.bucket.delete(this);
  }
}

export class Deadlines {
  readonly #clock: Clock;
  /** By number of the bucket. */
  readonly #buckets = new Map<number, Set<Entry>>();
  /** Binary heap of bucket numbers; each number that is in `#buckets` is in it once. */
  readonly #heap: number[] = [];
  #timer: Timer | undefined;
  #armed = Number.POSITIVE_INFINITY;
  #closed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls back once when the monotonic clock has reached `micros`, unless cleared or closed before. */
  at(micros: Micros, reached: () => void): Deadline {
    const number = Math.ceil(micros / DEADLINE_GRAIN_MICROS);
    let bucket = this.#buckets.get(number);
    if (bucket === undefined) {
      bucket = new Set();
      this.#buckets.set(number, bucket);
      push(this.#heap, number);
    }
    const entry = new Entry(bucket, reached);
    bucket.add(entry);
    if (number < this.#armed) this.#arm();
    return entry;
  }

  /** Deadlines that are pending. */
  get size(): number {
    let size = 0;
    for (const bucket of this.#buckets.values()) size += bucket.size;
    return size;
  }

  /** Nothing is told any more. */
  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#buckets.clear();
    this.#heap.length = 0;
  }

  #arm(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#armed = Number.POSITIVE_INFINITY;
    if (this.#closed) return;
    for (;;) {
      const first = this.#heap[0];
      if (first === undefined) return;
      if ((this.#buckets.get(first)?.size ?? 0) > 0) {
        this.#armed = first;
        const wait = first * DEADLINE_GRAIN_MICROS - this.#clock.monotonicMicros();
        this.#timer = this.#clock.after(Math.max(0, wait), () => this.#fire());
        return;
      }
      this.#buckets.delete(first);
      pop(this.#heap);
    }
  }

  #fire(): void {
    this.#timer = undefined;
    this.#armed = Number.POSITIVE_INFINITY;
    const now = this.#clock.monotonicMicros();
    const reached: Entry[] = [];
    for (;;) {
      const first = this.#heap[0];
      if (first === undefined || first * DEADLINE_GRAIN_MICROS > now) break;
      pop(this.#heap);
      const bucket = this.#buckets.get(first);
      this.#buckets.delete(first);
      if (bucket !== undefined) reached.push(...bucket);
    }
    // A callback may clear another one that was reached at the same time, or set new ones.
    for (const entry of reached) {
      if (!this.#closed && entry.bucket.delete(entry)) entry.reached();
    }
    if (this.#timer === undefined) this.#arm();
  }
}

function push(heap: number[], item: number): void {
  let at = heap.length;
  heap.push(item);
  while (at > 0) {
    const parent = (at - 1) >> 1;
    const above = heap[parent] ?? item;
    if (above <= item) break;
    heap[at] = above;
    at = parent;
  }
  heap[at] = item;
}

function pop(heap: number[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let at = 0;
  for (;;) {
    const left = 2 * at + 1;
    if (left >= heap.length) break;
    const right = left + 1;
    const leftItem = heap[left] ?? last;
    const rightItem = heap[right] ?? Number.POSITIVE_INFINITY;
    const least = rightItem < leftItem ? right : left;
    const leastItem = Math.min(leftItem, rightItem);
    if (leastItem >= last) break;
    heap[at] = leastItem;
    at = least;
  }
  heap[at] = last;
}
