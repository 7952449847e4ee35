/** Memory that a storm shares with the worker of one batch: which run of the batch it is at, and where in it. */
import { type Position, Progress } from '../progress.js';

const AT = 0;
const EXITED = 1;
const FIELDS = 2;

export interface SeatBuffers {
  readonly numbers: SharedArrayBuffer;
  readonly progress: SharedArrayBuffer;
}

/** Both sides hold one over the same buffers. */
export class Seat {
  readonly progress: Progress;
  readonly buffers: SeatBuffers;
  readonly #numbers: Int32Array;

  constructor(buffers?: SeatBuffers) {
    const numbers = buffers?.numbers ?? new SharedArrayBuffer(FIELDS * Int32Array.BYTES_PER_ELEMENT);
    this.progress = buffers === undefined ? new Progress() : new Progress(buffers.progress);
    this.buffers = { numbers, progress: this.progress.buffer };
    this.#numbers = new Int32Array(numbers);
  }

  /** Called by the worker before each run of the batch; `nth` counts from 0. */
  begin(nth: number): void {
    this.progress.write(0, 0, '');
    Atomics.store(this.#numbers, AT, nth + 1);
  }

  /** Called by a worker whose program ended the thread: the pool does not notice that. */
  exit(): void {
    Atomics.store(this.#numbers, EXITED, 1);
  }

  /** `nth` is -1 while the worker is still being loaded. */
  read(): Position & { readonly nth: number; readonly exited: boolean } {
    return { ...this.progress.read(), nth: Atomics.load(this.#numbers, AT) - 1, exited: Atomics.load(this.#numbers, EXITED) === 1 };
  }
}
