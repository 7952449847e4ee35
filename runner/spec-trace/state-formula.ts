/**
 * A predicate on states, which a mapping has as a function, as a TLA+ formula that is equal to it on every reachable state. The
 * formula speaks of as few parts of the state as decide the predicate, so that a reader can see what it asks.
 */
import type { SpecState } from '../../specs/mapping.js';
import type { StateGraph } from '../tla/state-graph.js';
import { formatValue, isSet, type TlaRecord, type TlaState, type TlaValue, valueText } from '../tla/tla-value.js';

/** A part of the state: an expression, and its value in a state; undefined where the state has no such part. */
interface Part {
  readonly expression: string;
  /** What says that a state has it, and has it not; only where one may lack it. A formula asks that first: engines refuse to look then. */
  readonly where?: Where;
  value(state: TlaState): TlaValue | undefined;
}

interface Where {
  readonly present: string;
  readonly absent: string;
}

/** A part, and in each state the number of its value among `values`. */
interface Column {
  readonly part: Part;
  readonly values: readonly (TlaValue | undefined)[];
  readonly numbers: Uint32Array;
}

/** How many parts together are tried before all that matter are taken. */
const TOGETHER_MAX = 3;

export class StateFormulas {
  readonly #graph: StateGraph;
  #columns: readonly Column[] | undefined;

  constructor(graph: StateGraph) {
    this.#graph = graph;
  }

  /** In one line. */
  of(predicate: (state: SpecState) => boolean): string {
    const truths = Uint8Array.from(this.#graph.states, (state) => (predicate(state) ? 1 : 0));
    if (!truths.includes(1)) return 'FALSE';
    if (!truths.includes(0)) return 'TRUE';
    const columns = this.#deciding(truths);
    const cases = new Map<string, { readonly state: number; readonly truth: number }>();
    truths.forEach((truth, state) => {
      const text = columns.map(({ numbers }) => numbers[state]).join(' ');
      if (!cases.has(text)) cases.set(text, { state, truth });
    });
    const holding = [...cases.values()].filter(({ truth }) => truth === 1);
    const failing = [...cases.values()].filter(({ truth }) => truth === 0);
    const anyOf = (some: typeof holding): string =>
      some.map(({ state }) => (columns.length === 1 ? conjunction(columns, state) : `(${conjunction(columns, state)})`)).join(' \\/ ');
    return holding.length <= failing.length ? anyOf(holding) : `~(${anyOf(failing)})`;
  }

  /** The fewest columns on which the truth depends; all that cannot be left out where these are many. */
  #deciding(truths: Uint8Array): readonly Column[] {
    this.#columns ??= columnsOf(this.#graph.states);
    const columns = this.#columns;
    for (let size = 1; size <= Math.min(TOGETHER_MAX, columns.length); size++) {
      for (const chosen of choices(columns, size)) if (decides(chosen, truths)) return chosen;
    }
    let kept = columns;
    for (const column of columns) {
      const without = kept.filter((one) => one !== column);
      if (decides(without, truths)) kept = without;
    }
    return kept;
  }
}

const conjunction = (columns: readonly Column[], state: number): string =>
  columns
    .map(({ part, values, numbers }) => {
      const value = values[numbers[state] ?? 0];
      if (value === undefined) return part.where?.absent ?? 'FALSE';
      const guard = part.where === undefined ? '' : `${part.where.present} /\\ `;
      return `${guard}${part.expression} = ${formatValue(value)}`;
    })
    .join(' /\\ ');

function* choices(columns: readonly Column[], size: number, from = 0): Iterable<readonly Column[]> {
  if (size === 0) {
    yield [];
    return;
  }
  for (let at = from; at < columns.length; at++) {
    const column = columns[at];
    if (column !== undefined) for (const rest of choices(columns, size - 1, at + 1)) yield [column, ...rest];
  }
}

/** Whether states that are equal in these columns are equal in truth. */
function decides(columns: readonly Column[], truths: Uint8Array): boolean {
  const truthOf = new Map<number, number>();
  for (let state = 0; state < truths.length; state++) {
    let key = 0;
    for (const { numbers, values } of columns) key = key * values.length + (numbers[state] ?? 0);
    // Beyond that two keys could be taken for one.
    if (!Number.isSafeInteger(key)) return false;
    const truth = truths[state] ?? 0;
    const known = truthOf.get(key);
    if (known === undefined) truthOf.set(key, truth);
    else if (known !== truth) return false;
  }
  return true;
}

function columnsOf(states: readonly TlaState[]): Column[] {
  const [first] = states;
  if (first === undefined) return [];
  const parts = Object.keys(first)
    .sort()
    .flatMap((name) => {
      const found = new Map<string, Part>();
      for (const state of states) collect(found, name, state[name], (one) => one[name]);
      return [...found.values()];
    });
  return parts.map((part) => columnOf(part, states)).filter(({ values }) => values.length > 1);
}

function columnOf(part: Part, states: readonly TlaState[]): Column {
  const ids = new Map<string, number>();
  const values: (TlaValue | undefined)[] = [];
  const numbers = Uint32Array.from(states, (state) => {
    const value = part.value(state);
    const text = value === undefined ? '' : valueText(value);
    const known = ids.get(text);
    if (known !== undefined) return known;
    ids.set(text, values.length);
    return values.push(value) - 1;
  });
  return { part, values, numbers };
}

/** The smallest parts of a value, under the expressions that name them. A sequence has its length, and its members where it is long enough. */
function collect(
  found: Map<string, Part>,
  expression: string,
  value: TlaValue | undefined,
  read: (state: TlaState) => TlaValue | undefined,
  where?: Where,
): void {
  const add = (part: Part): void => {
    if (!found.has(part.expression)) found.set(part.expression, part);
  };
  if (Array.isArray(value)) {
    const length = `Len(${expression})`;
    const members = value as readonly TlaValue[];
    add({ expression: length, value: (state) => (read(state) as readonly TlaValue[] | undefined)?.length ?? 0 });
    members.forEach((member, at) => {
      const readMember = (state: TlaState): TlaValue | undefined => (read(state) as readonly TlaValue[] | undefined)?.[at];
      collect(found, `${expression}[${at + 1}]`, member, readMember, {
        present: `${length} >= ${at + 1}`,
        absent: `${length} < ${at + 1}`,
      });
    });
    return;
  }
  if (typeof value === 'object' && !isSet(value) && !('$fn' in value) && !('$model' in value)) {
    for (const field of Object.keys(value).sort()) {
      const readField = (state: TlaState): TlaValue | undefined => (read(state) as TlaRecord | undefined)?.[field];
      collect(found, `${expression}[${formatValue(field)}]`, (value as TlaRecord)[field], readField, where);
    }
    return;
  }
  if (value !== undefined) add({ expression, value: read, ...(where === undefined ? {} : { where }) });
}
