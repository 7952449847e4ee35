/** Gives claims back, in batches, and keeps trying while the database does not answer: a claim is never forgotten. */
import type { Timer } from '../ports.js';
import { chooses } from './choices.js';
import { KelpieError } from './errors.js';
import { type Release, RELEASES_MAX } from './registry.js';
import type { Runtime } from './runtime.js';

interface Waiting {
  readonly release: Release;
  readonly done: () => void;
}

/** Pause between tries. The leases of what waits run out meanwhile, so that others need not wait for this node. */
const RETRY_MICROS = 1_000_000;

export class Releases {
  readonly #runtime: Runtime;
  #waiting: Waiting[] = [];
  readonly #idle: (() => void)[] = [];
  #running = false;
  #timer: Timer | undefined;
  #closed = false;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** Claims that are not given back yet. */
  get size(): number {
    return this.#waiting.length;
  }

  /** Resolves when the claim is given back, which may take as long as the database is away. Never rejects. */
  give(release: Release): Promise<void> {
    return new Promise((done) => {
      this.#waiting.push({ release, done });
      if (this.#running || this.#timer !== undefined) return;
      if (chooses(this.#runtime.platform, 'release/wait')) this.#runLater();
      else void this.#run();
    });
  }

  /** Resolves when every claim is given back. */
  async idle(): Promise<void> {
    while (this.#waiting.length > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  #runLater(): void {
    this.#timer = this.#runtime.platform.clock.after(RETRY_MICROS, () => {
      this.#timer = undefined;
      void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#running = true;
    // One damaged record must not hold up the others, so after an error that time does not mend each goes alone.
    let together = RELEASES_MAX;
    while (this.#waiting.length > 0 && !this.#closed) {
      const batch = this.#waiting.slice(0, together);
      const failed = await this.#release(batch);
      if (failed?.retriable === true) {
        this.#runtime.teller.count('releases.retried');
        this.#runLater();
        break;
      }
      if (failed !== undefined && batch.length > 1) {
        together = 1;
        continue;
      }
      const [first] = batch;
      if (failed !== undefined && first !== undefined) {
        this.#runtime.teller.tell({ type: 'claim.release-fail', actor: first.release.actor.key, code: failed.code });
      }
      this.#waiting = this.#waiting.slice(batch.length);
      for (const { done } of batch) done();
    }
    this.#running = false;
    if (this.#waiting.length === 0) for (const resolve of this.#idle.splice(0)) resolve();
  }

  async #release(batch: readonly Waiting[]): Promise<KelpieError | undefined> {
    const releases = batch.map(({ release }) => release);
    try {
      await this.#runtime.registryLane.run(() => this.#runtime.parts.release(this.#runtime, releases));
      return undefined;
    } catch (error) {
      return KelpieError.from(error);
    }
  }
}
