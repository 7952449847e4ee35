/** Tells what a client asks for and what it is answered, for the promises that are made to users. */
import type { Micros, Platform, TraceValue } from '../src/ports.js';
import type { OperationEvent } from '../src/story.js';

/** What must succeed in the end is tried for this long at a time: longer than a system that has healed may take to serve everybody again. */
export const PATIENCE_MICROS: Micros = 60_000_000;

/** How an actor that is active nowhere, or is where it shall go, is not moved. */
export const IMMOVABLE: readonly string[] = ['not-found', 'invalid-argument'];

/** What came of an operation. `error`: it took no effect and never will; `unknown`: it may have, or may still. */
export type Outcome<T> =
  | { readonly kind: 'ok'; readonly result: T }
  | { readonly kind: 'error' | 'unknown'; readonly error: { readonly code: string } };

export interface Asked<T> {
  readonly op: string;
  readonly kind: string;
  readonly args: TraceValue;
  /** What gets a mark with the name of the operation, in this order. */
  readonly writes?: readonly string[];
  /** Codes by which it may be refused for good, because it gives cause for it; none when absent. */
  readonly refusals?: readonly string[];
  /** The marks that the answer shows, all that one thing bore. */
  shows?(result: T): { readonly target: string; readonly marks: readonly string[]; readonly inOrder?: true };
}

export class History {
  readonly #platform: Platform;
  readonly #series: string;
  #names = 0;

  /** @param series tells histories of the same client apart, so that the names of their operations differ too. */
  constructor(platform: Platform, series = '') {
    this.#platform = platform;
    this.#series = series;
  }

  /** A name for an operation that no case has drawn and no other history gives. */
  nextName(): string {
    this.#names += 1;
    return `${this.#platform.node}-${this.#series}${this.#names}`;
  }

  /** Performs and tells. Answers with the result, or undefined when there is none. */
  async tell<T extends TraceValue>(
    { op, kind, args, writes = [], refusals, shows }: Asked<T>,
    act: () => Promise<Outcome<T>>,
  ): Promise<T | undefined> {
    const client = this.#platform.node;
    this.#emit({ type: 'op.invoke', op, client, kind, args, writes, ...(refusals === undefined ? {} : { refusals }) });
    const outcome = await act();
    if (outcome.kind !== 'ok') {
      this.#emit({ type: outcome.kind === 'error' ? 'op.fail' : 'op.info', op, code: outcome.error.code });
      return undefined;
    }
    const { result } = outcome;
    this.#emit({ type: 'op.ok', op, result, ...(shows === undefined ? {} : { shows: shows(result) }) });
    return result;
  }

  /** Tells and performs again and again, under new names, until it succeeds. */
  async untilDone<T extends TraceValue>(asked: (op: string) => Asked<T>, act: (op: string) => Promise<Outcome<T>>): Promise<T> {
    for (;;) {
      const op = this.nextName();
      const result = await this.tell(asked(op), () => act(op));
      if (result !== undefined) return result;
    }
  }

  #emit(event: OperationEvent): void {
    this.#platform.tracer.emit(event);
  }
}

/** What is known of one request that was sent several times: done if one says so, undone only if none may still do it. */
export function newsOf<T>(outcomes: readonly Outcome<T>[]): Outcome<T> {
  const [first] = outcomes;
  if (first === undefined) throw new RangeError('a request must be sent at least once');
  return outcomes.find(({ kind }) => kind === 'ok') ?? outcomes.find(({ kind }) => kind === 'unknown') ?? first;
}
