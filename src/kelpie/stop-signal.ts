/** The wish that a node stop. It may come before anyone waits for it, so it stays. */
export interface StopSignal {
  raise(): void;
  readonly raised: boolean;
  /** Resolves once it is raised, also when that was before. */
  wait(): Promise<void>;
}

export class LatchedStopSignal implements StopSignal {
  #raised = false;
  readonly #waiters: (() => void)[] = [];

  get raised(): boolean {
    return this.#raised;
  }

  raise(): void {
    this.#raised = true;
    for (const resolve of this.#waiters.splice(0)) resolve();
  }

  wait(): Promise<void> {
    if (this.#raised) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push(resolve));
  }
}
