/** Where a storm gets its batches from: it counts them up itself, or shares them with other machines. */

export interface Batch {
  /** In the plan. */
  readonly positions: readonly number[];
  /** All of it was run, and its results were handed over. */
  end(): Promise<void>;
  /** It was not run to its end; another one may have it. Never rejects. */
  giveBack(): Promise<void>;
}

export interface BatchSource {
  /**
   * Resolves to undefined when nothing is left to run, or no more may be. `mayBegin` is asked only where there is something left.
   * May wait for what others have taken and give back.
   */
  take(mayBegin: () => boolean): Promise<Batch | undefined>;
}

/** Small, so that little is lost with a batch; not one, so that handing out costs little. */
const BATCH = 8;

/** Whoever ends at the first failure wants nothing run beyond it. */
export const batchSize = (failFast: boolean): number => (failFast ? 1 : BATCH);

/** The batches of a storm on this machine alone, in order. */
export class CountedBatches implements BatchSource {
  #next = 0;

  /** @param done positions that are left out. */
  constructor(
    readonly runs: number,
    readonly size: number,
    readonly done: ReadonlySet<number>,
  ) {}

  async take(mayBegin: () => boolean): Promise<Batch | undefined> {
    const positions: number[] = [];
    while (positions.length < this.size && this.#next < this.runs) {
      if (this.done.has(this.#next)) {
        this.#next++;
        continue;
      }
      if (!mayBegin()) return undefined;
      positions.push(this.#next++);
    }
    return positions.length === 0 ? undefined : { positions, end: async () => {}, giveBack: async () => {} };
  }
}
