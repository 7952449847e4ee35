/** The Lifecycle port of a process: SIGTERM or SIGINT asks it to stop, and within a bound it does. */
import type { Clock, Lifecycle, Micros } from '../ports.js';

export interface ProcessLifecycleOptions {
  readonly clock: Clock;
  /** How long the handlers may take together. */
  readonly stopMicrosMax: Micros;
  /** Called once, when every handler has settled or the bound is reached. */
  stopped(outcome: StopOutcome): void;
}

export type StopOutcome =
  | { readonly kind: 'clean' }
  /** Some handlers failed; the others had their time. */
  | { readonly kind: 'failed'; readonly errors: readonly unknown[] }
  | { readonly kind: 'too-slow'; readonly waiting: number };

/** Signals that the process gets, in a form that tests can give too. */
export interface SignalSource {
  on(signal: 'SIGTERM' | 'SIGINT', handler: () => void): unknown;
  off(signal: 'SIGTERM' | 'SIGINT', handler: () => void): unknown;
}

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

export class ProcessLifecycle implements Lifecycle {
  readonly #options: ProcessLifecycleOptions;
  readonly #signals: SignalSource;
  readonly #handlers: (() => Promise<void>)[] = [];
  #stopping = false;
  #ended = false;
  readonly #asked = (): void => this.stop();

  constructor(options: ProcessLifecycleOptions, signals: SignalSource = process) {
    this.#options = options;
    this.#signals = signals;
    for (const signal of SIGNALS) signals.on(signal, this.#asked);
  }

  /** Whether the process was asked to stop. */
  get stopping(): boolean {
    return this.#stopping;
  }

  /** A handler that comes while the process stops is called at once. */
  onStop(handler: () => Promise<void>): void {
    this.#handlers.push(handler);
    if (this.#stopping) void this.#run(handler).catch(() => undefined);
  }

  /** Stops as a signal would. A second call does nothing. */
  stop(): void {
    if (this.#stopping) return;
    this.#stopping = true;
    const runs = this.#handlers.map((handler) => this.#run(handler));
    let waiting = runs.length;
    for (const run of runs) {
      const done = (): void => {
        waiting--;
      };
      run.then(done, done);
    }
    const bound = this.#options.clock.after(this.#options.stopMicrosMax, () => this.#end({ kind: 'too-slow', waiting }));
    void Promise.allSettled(runs).then((results) => {
      bound.cancel();
      const errors = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
      this.#end(errors.length === 0 ? { kind: 'clean' } : { kind: 'failed', errors });
    });
  }

  /** Takes no more signals. */
  release(): void {
    for (const signal of SIGNALS) this.#signals.off(signal, this.#asked);
  }

  #end(outcome: StopOutcome): void {
    if (this.#ended) return;
    this.#ended = true;
    this.release();
    this.#options.stopped(outcome);
  }

  async #run(handler: () => Promise<void>): Promise<void> {
    await handler();
  }
}
