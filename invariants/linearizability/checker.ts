/**
 * Decides whether a history is linearizable: whether its operations can be put in one order that respects real time and that the
 * sequential specification allows. The search is Wing and Gong's (1993) with Lowe's cache of visited configurations (2017): entries
 * are lifted out of a linked list as operations are placed, and put back on the way up; a configuration (set of placed operations,
 * state) that was seen before is not entered again. A model that knows which states lead on cuts branches off; why a history is not linearizable
 * is told by a second search that goes without, for an explanation must not rest on what lies in the future of its operations.
 */
import type { HistoryOperation, SequentialModel } from './model.js';

export type Linearizability<Input, Output> =
  | { readonly verdict: 'yes'; readonly steps: number }
  | {
      readonly verdict: 'no';
      readonly steps: number;
      readonly part: string;
      /** The longest order of operations that works. */
      readonly prefix: readonly HistoryOperation<Input, Output>[];
      /** The operation that had returned and can be placed nowhere after that prefix. */
      readonly stuck: HistoryOperation<Input, Output>;
      /** Fingerprints of the states after orders as long as the prefix, in each of which the operation does not fit; at most `STATES_TOLD`. */
      readonly states: readonly string[];
    }
  /** The bound was reached in this part before an answer was found. */
  | { readonly verdict: 'unknown'; readonly steps: number; readonly part: string };

export interface LinearizabilityBounds {
  /** Most placements tried, over all parts; an explanation may take as many again. */
  readonly stepsMax: number;
}

const LINEARIZABILITY_BOUNDS: LinearizabilityBounds = { stepsMax: 5_000_000 };

/** More would not be read. */
const STATES_TOLD = 8;

/** Throws RangeError for an operation that returned before it was called. */
export function checkLinearizability<State, Input, Output>(
  history: readonly HistoryOperation<Input, Output>[],
  model: SequentialModel<State, Input, Output>,
  bounds: LinearizabilityBounds = LINEARIZABILITY_BOUNDS,
): Linearizability<Input, Output> {
  const parts = new Map<string, HistoryOperation<Input, Output>[]>();
  for (const operation of history) {
    if (operation.end !== undefined && operation.end < operation.call) {
      throw new RangeError(`operation of ${operation.client} returned at ${operation.end}, before its call at ${operation.call}`);
    }
    const part = model.part(operation.input);
    const own = parts.get(part);
    if (own === undefined) parts.set(part, [operation]);
    else own.push(operation);
  }
  let steps = 0;
  let undecided: string | undefined;
  for (const [part, operations] of parts) {
    const leadsOn = model.leadsOn?.(operations);
    const result = search(part, operations, model, bounds.stepsMax - steps, leadsOn);
    steps += result.steps;
    if (result.verdict === 'no') {
      const told = leadsOn === undefined ? result : explanation(result, search(part, operations, model, bounds.stepsMax));
      return { verdict: 'no', steps, part, prefix: told.prefix, stuck: told.stuck ?? result.stuck, states: told.states };
    }
    if (result.verdict === 'unknown') undecided ??= part;
  }
  return undecided === undefined ? { verdict: 'yes', steps } : { verdict: 'unknown', steps, part: undecided };
}

/** A call or a return in the doubly linked list of what is not placed yet, in order of time. */
interface Entry {
  readonly operation: number;
  /** The return entry of a call; undefined in a return. */
  readonly match: Entry | undefined;
  previous: Entry | undefined;
  next: Entry | undefined;
}

interface Placed<State> {
  readonly call: Entry;
  readonly stateBefore: State;
}

/** How far a search came: the longest order of operations that works, and where it stuck. */
interface Reached<Input, Output> {
  readonly steps: number;
  readonly prefix: readonly HistoryOperation<Input, Output>[];
  readonly states: readonly string[];
}

type Searched<Input, Output> = Reached<Input, Output> &
  (
    | { readonly verdict: 'yes'; readonly stuck: undefined }
    | { readonly verdict: 'no'; readonly stuck: HistoryOperation<Input, Output> }
    | { readonly verdict: 'unknown'; readonly stuck: HistoryOperation<Input, Output> | undefined }
  );

/** The search that enters every state tells more, unless it came to its bound too soon. */
function explanation<Input, Output>(guided: Searched<Input, Output>, unguided: Searched<Input, Output>): Searched<Input, Output> {
  if (unguided.verdict === 'yes')
    throw new Error('the model refused states that lead on: the history is linearizable by a search that enters them');
  return unguided.verdict === 'no' || unguided.prefix.length > guided.prefix.length ? unguided : guided;
}

function search<State, Input, Output>(
  part: string,
  operations: readonly HistoryOperation<Input, Output>[],
  model: SequentialModel<State, Input, Output>,
  stepsMax: number,
  leadsOn: (state: State, isPlaced: (operation: number) => boolean) => boolean = () => true,
): Searched<Input, Output> {
  const { head, returning } = entriesOf(operations);
  const visited = new Visited(operations.length);
  const path: Placed<State>[] = [];
  let longest: readonly number[] = [];
  let stuck: number | undefined;
  const states = new Set<string>();
  const reached = (): Reached<Input, Output> => ({
    steps,
    prefix: longest.map((index) => at(operations, index)),
    states: [...states],
  });
  let state = model.initial(part);
  // Operations that returned and are not placed: at zero everything that must be explained is.
  let open = returning;
  let steps = 0;
  let entry = head.next;
  while (open > 0) {
    if (entry?.match !== undefined) {
      const call: Entry = entry;
      const { input, output, end } = at(operations, call.operation);
      if (++steps > stepsMax) {
        return { ...reached(), verdict: 'unknown', stuck: stuck === undefined ? undefined : at(operations, stuck) };
      }
      const next = model.apply(state, input);
      const fits = end === undefined || model.agrees(next.output, output as Output); // an operation that returned has an output
      const isPlaced = (operation: number): boolean => operation === call.operation || visited.has(operation);
      if (fits && (next.state === state || leadsOn(next.state, isPlaced)) && visited.add(call.operation, model.fingerprint(next.state))) {
        path.push({ call, stateBefore: state });
        state = next.state;
        if (end !== undefined) open--;
        lift(call);
        entry = head.next;
      } else {
        entry = call.next;
      }
      continue;
    }
    // A return whose operation is not placed (or the end of the list): nothing later may come before it, so go back.
    if (entry !== undefined) {
      if (stuck === undefined || path.length > longest.length) {
        longest = path.map(({ call }) => call.operation);
        stuck = entry.operation;
        states.clear();
      }
      if (entry.operation === stuck && path.length === longest.length && states.size < STATES_TOLD) states.add(model.fingerprint(state));
    }
    const last = path.pop();
    if (last === undefined) {
      if (stuck === undefined) throw new Error('a search without a way on has met no operation that returned');
      return { ...reached(), verdict: 'no', stuck: at(operations, stuck) };
    }
    const { call, stateBefore } = last;
    state = stateBefore;
    visited.remove(call.operation);
    if (at(operations, call.operation).end !== undefined) open++;
    putBack(call);
    entry = call.next;
  }
  return { ...reached(), verdict: 'yes', stuck: undefined };
}

/** Indices come from the history itself. */
const at = <T>(items: readonly T[], index: number): T => items[index] as T;

function entriesOf(operations: readonly HistoryOperation<unknown, unknown>[]): { readonly head: Entry; readonly returning: number } {
  const events: { readonly time: number; readonly isReturn: boolean; readonly entry: Entry }[] = [];
  let returning = 0;
  for (const [operation, { call, end }] of operations.entries()) {
    const back: Entry = { operation, match: undefined, previous: undefined, next: undefined };
    events.push({ time: call, isReturn: false, entry: { operation, match: back, previous: undefined, next: undefined } });
    if (end === undefined) continue;
    returning++;
    events.push({ time: end, isReturn: true, entry: back });
  }
  // Calls come before returns of the same moment: such operations are concurrent.
  events.sort((a, b) => a.time - b.time || Number(a.isReturn) - Number(b.isReturn));
  const head: Entry = { operation: -1, match: undefined, previous: undefined, next: undefined };
  let last = head;
  for (const { entry } of events) {
    entry.previous = last;
    last.next = entry;
    last = entry;
  }
  return { head, returning };
}

function lift(call: Entry): void {
  unlink(call);
  // A call that never returned has no return in the list.
  if (call.match?.previous !== undefined) unlink(call.match);
}

function unlink(entry: Entry): void {
  if (entry.previous !== undefined) entry.previous.next = entry.next;
  if (entry.next !== undefined) entry.next.previous = entry.previous;
}

/** Undoes `lift`: the entries still know their neighbours, and what was lifted after them is back already. */
function putBack(call: Entry): void {
  if (call.match?.previous !== undefined) link(call.match);
  link(call);
}

function link(entry: Entry): void {
  if (entry.previous !== undefined) entry.previous.next = entry;
  if (entry.next !== undefined) entry.next.previous = entry;
}

/** The placed operations as bits, and every configuration that was entered. */
class Visited {
  readonly #bits: Uint32Array;
  /** By hash, then by state: many states may share a set of placed operations, hardly any two sets a hash. */
  readonly #seen = new Map<number, Map<string, Uint32Array[]>>();
  readonly #keys: Uint32Array;
  // Zobrist hashing: adding and removing an operation is one exclusive or.
  #hash = 0;

  constructor(operations: number) {
    this.#bits = new Uint32Array((operations + 31) >> 5);
    this.#keys = new Uint32Array(operations);
    let x = 0x9e3779b9;
    for (let i = 0; i < operations; i++) {
      // Xorshift32 (Marsaglia, 2003): any fixed scrambling serves.
      x ^= x << 13;
      x ^= x >>> 17;
      x ^= x << 5;
      this.#keys[i] = x;
    }
  }

  /** Adds the operation; false, adding nothing, when the resulting configuration was entered before. */
  add(operation: number, fingerprint: string): boolean {
    this.#flip(operation);
    let states = this.#seen.get(this.#hash);
    if (states === undefined) {
      states = new Map();
      this.#seen.set(this.#hash, states);
    }
    const sets = states.get(fingerprint);
    if (sets === undefined) states.set(fingerprint, [this.#bits.slice()]);
    else if (sets.some((other) => same(other, this.#bits))) {
      this.#flip(operation);
      return false;
    } else sets.push(this.#bits.slice());
    return true;
  }

  has(operation: number): boolean {
    return (((this.#bits[operation >> 5] ?? 0) >>> (operation & 31)) & 1) === 1;
  }

  remove(operation: number): void {
    this.#flip(operation);
  }

  #flip(operation: number): void {
    const word = operation >> 5;
    this.#bits[word] = (this.#bits[word] ?? 0) ^ (1 << (operation & 31));
    this.#hash ^= this.#keys[operation] ?? 0;
  }
}

function same(a: Uint32Array, b: Uint32Array): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
