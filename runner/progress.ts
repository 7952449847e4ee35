/**
 * Where a run is, in memory shared between the worker that runs it and the watchdog beside it. A run that hangs can answer no
 * message, so this is all that can be learnt of it.
 */
import type { Micros, NodeId } from '../src/ports.js';

/** The last event that began. `events` is 0 while the run is still being loaded. */
export interface Position {
  readonly events: number;
  readonly simMicros: Micros;
  /** Empty for the world. */
  readonly node: NodeId;
}

const NODE_UNITS_MAX = 64;
const NUMBERS = 3;

/** Both sides hold one over the same buffer. Fields may be read while they are written: a watchdog looks again anyway. */
export class Progress {
  readonly buffer: SharedArrayBuffer;
  readonly #numbers: Float64Array;
  readonly #node: Uint16Array;
  #lastNode: NodeId = '';

  constructor(buffer: SharedArrayBuffer = new SharedArrayBuffer(NUMBERS * Float64Array.BYTES_PER_ELEMENT + NODE_UNITS_MAX * 2)) {
    this.buffer = buffer;
    this.#numbers = new Float64Array(buffer, 0, NUMBERS);
    this.#node = new Uint16Array(buffer, NUMBERS * Float64Array.BYTES_PER_ELEMENT, NODE_UNITS_MAX);
  }

  /** Called before every event, so it allocates nothing. */
  write(events: number, simMicros: Micros, node: NodeId): void {
    this.#numbers[0] = events;
    this.#numbers[1] = simMicros;
    if (node === this.#lastNode) return;
    this.#lastNode = node;
    const length = Math.min(node.length, NODE_UNITS_MAX);
    for (let i = 0; i < length; i++) this.#node[i] = node.charCodeAt(i);
    this.#numbers[2] = length;
  }

  read(): Position {
    const [events = 0, simMicros = 0, length = 0] = this.#numbers;
    return { events, simMicros, node: String.fromCharCode(...this.#node.subarray(0, length)) };
  }
}
