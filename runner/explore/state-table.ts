/**
 * The states that were searched, each with how many decisions deep: a hash table in memory that the search shares with its workers, so
 * that a run can end where another one was before. Workers read it while runs go on; the search writes it between two batches of runs.
 */
import type { Digest } from '../../src/sim/explorer.js';
import { mix } from '../../src/trace.js';

/** Two lanes of the state, and the decisions left, counted from 1. */
const FIELDS = 3;
/** Beyond three quarters full a look-up would walk far. */
const FULL = { numerator: 3, denominator: 4 } as const;

export class StateTable {
  readonly buffer: SharedArrayBuffer;
  readonly #slots: Int32Array;
  readonly #mask: number;
  #size = 0;

  /** @param room how many states there is room for, a power of two; or the buffer of another table, to read. */
  constructor(room: number | SharedArrayBuffer) {
    this.buffer = typeof room === 'number' ? new SharedArrayBuffer(room * FIELDS * Int32Array.BYTES_PER_ELEMENT) : room;
    this.#slots = new Int32Array(this.buffer);
    const slots = this.#slots.length / FIELDS;
    if (!Number.isInteger(Math.log2(slots))) throw new RangeError(`a table of states has a power of two slots, not ${slots}`);
    this.#mask = slots - 1;
  }

  /** Different states that were put in through this object. */
  get size(): number {
    return this.#size;
  }

  get isFull(): boolean {
    return this.#size * FULL.denominator >= (this.#mask + 1) * FULL.numerator;
  }

  /** Whether the state is in, with at least so many decisions left. */
  has(state: Digest, decisionsLeft: number): boolean {
    return (this.#slots[this.#slotOf(state) + 2] ?? 0) > decisionsLeft;
  }

  /** Puts a state in, or raises its decisions left. A full table takes no more: what is not in is searched again. */
  put(state: Digest, decisionsLeft: number): void {
    const slot = this.#slotOf(state);
    if (this.#slots[slot + 2] === 0) {
      if (this.isFull) return;
      this.#size++;
      this.#slots[slot] = state.a;
      this.#slots[slot + 1] = state.b;
    }
    this.#slots[slot + 2] = Math.max(this.#slots[slot + 2] ?? 0, decisionsLeft + 1);
  }

  /** Where the state is, or would be: linear probing, and never full. */
  #slotOf({ a, b }: Digest): number {
    const slots = this.#slots;
    for (let at = mix(a, b) & this.#mask; ; at = (at + 1) & this.#mask) {
      const slot = at * FIELDS;
      if (slots[slot + 2] === 0 || (slots[slot] === a && slots[slot + 1] === b)) return slot;
    }
  }
}
