/** What a linearizability check needs: a history of operations, and a sequential specification of the object they were done to. */

/** One operation of a client. `call` and `end` are positions on one time line; equal positions count as concurrent. */
export interface HistoryOperation<Input, Output> {
  readonly client: string;
  readonly input: Input;
  /** When it was invoked. */
  readonly call: number;
  /** When it returned; undefined while pending for ever, or when its result is unknown: it may take effect at any time after `call`, or never. */
  readonly end: number | undefined;
  /** What it returned; undefined where `end` is. */
  readonly output: Output | undefined;
}

/**
 * A sequential specification. `apply` must be total: an operation whose result is unknown may always be put last, where it disturbs
 * nobody, so "never took effect" needs no case of its own.
 */
export interface SequentialModel<State, Input, Output> {
  readonly name: string;
  /** State before the first operation on a part of the object. */
  initial(part: string): State;
  /** The next state and what the operation returns there. Must not change `state`. */
  apply(state: State, input: Input): { readonly state: State; readonly output: Output };
  /** Whether what a client saw is what the specification says. */
  agrees(specified: Output, seen: Output): boolean;
  /** Equal texts if and only if no operation can tell the states apart. */
  fingerprint(state: State): string;
  /**
   * Whether the answers that are not explained yet can still come after a state: the search enters none for which this is false. It must be
   * true wherever some order leads on. `isPlaced` takes the place of an operation in the history.
   */
  leadsOn?(history: readonly HistoryOperation<Input, Output>[]): (state: State, isPlaced: (operation: number) => boolean) => boolean;
  /** Operations on different parts never affect each other, so each part is checked alone (Herlihy and Wing: locality). */
  part(input: Input): string;
}
