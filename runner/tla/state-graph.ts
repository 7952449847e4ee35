/**
 * The reachable states of a model and every step between them, made for look-ups: conformance asks for each step of a run
 * "may this action happen here, and where does it lead". States and steps are numbered in an order that depends on their content
 * alone, so that the same model has the same numbers whichever engine explored it.
 */
import type { ActionCall } from './model-checker.js';
import { stateText, type TlaState, type TlaValue, valueText } from './tla-value.js';

/** What an engine found, in its own numbers. */
export interface RawGraph {
  readonly module: string;
  readonly states: readonly TlaState[];
  readonly initial: readonly number[];
  readonly actions: readonly ActionCall[];
  /** Source, index of the action, target. The same step may come twice. */
  readonly steps: readonly (readonly [number, number, number])[];
}

/** The graph as plain JSON. */
export interface StoredGraph {
  readonly module: string;
  readonly variables: readonly string[];
  /** Every value that a variable has in some state, once. */
  readonly values: readonly TlaValue[];
  /** Indexes of values, in the order of `variables`. */
  readonly states: readonly (readonly number[])[];
  readonly initial: readonly number[];
  readonly actions: readonly ActionCall[];
  /** Steps of state `s` are those from `offsets[s]` to before `offsets[s + 1]`. */
  readonly offsets: readonly number[];
  readonly stepActions: readonly number[];
  readonly stepTargets: readonly number[];
}

const NO_STEPS: readonly number[] = [];

export class StateGraph {
  readonly module: string;
  readonly states: readonly TlaState[];
  readonly initial: readonly number[];
  /** Sorted by label. Not each of them is taken. */
  readonly actions: readonly ActionCall[];
  readonly #variables: readonly string[];
  readonly #offsets: Uint32Array;
  readonly #stepActions: Uint16Array;
  readonly #stepTargets: Uint32Array;
  readonly #actionIds: ReadonlyMap<string, number>;
  #stateIds: ReadonlyMap<string, number> | undefined;
  #depth: number | undefined;

  private constructor(parts: {
    readonly module: string;
    readonly variables: readonly string[];
    readonly states: readonly TlaState[];
    readonly initial: readonly number[];
    readonly actions: readonly ActionCall[];
    readonly offsets: readonly number[];
    readonly stepActions: readonly number[];
    readonly stepTargets: readonly number[];
  }) {
    this.module = parts.module;
    this.#variables = parts.variables;
    this.states = parts.states;
    this.initial = parts.initial;
    this.actions = parts.actions;
    this.#offsets = Uint32Array.from(parts.offsets);
    this.#stepActions = Uint16Array.from(parts.stepActions);
    this.#stepTargets = Uint32Array.from(parts.stepTargets);
    this.#actionIds = new Map(parts.actions.map(({ label }, id) => [label, id]));
  }

  static build(raw: RawGraph): StateGraph {
    const [first] = raw.states;
    const variables = first === undefined ? [] : Object.keys(first).sort();
    const texts = raw.states.map(stateText);
    const { order, newIds } = sortedBy(raw.states, (_, id) => texts[id] ?? '');
    const actions = sortedBy(raw.actions, ({ label }) => label);
    const steps = new Map<number, Set<number>>();
    for (const [source, action, target] of raw.steps) {
      const from = newIds[source] ?? 0;
      const ofState = steps.get(from) ?? new Set();
      steps.set(from, ofState.add((actions.newIds[action] ?? 0) * raw.states.length + (newIds[target] ?? 0)));
    }
    const offsets = [0];
    const stepActions: number[] = [];
    const stepTargets: number[] = [];
    for (let state = 0; state < raw.states.length; state++) {
      for (const step of [...(steps.get(state) ?? [])].sort((a, b) => a - b)) {
        stepActions.push(Math.floor(step / raw.states.length));
        stepTargets.push(step % raw.states.length);
      }
      offsets.push(stepActions.length);
    }
    return new StateGraph({
      module: raw.module,
      variables,
      states: order,
      initial: raw.initial.map((id) => newIds[id] ?? 0).sort((a, b) => a - b),
      actions: actions.order,
      offsets,
      stepActions,
      stepTargets,
    });
  }

  static fromStored(stored: StoredGraph): StateGraph {
    const { variables, values } = stored;
    return new StateGraph({
      ...stored,
      // Thousands of states share a few values: a value each of their own would be most of what a thread keeps.
      states: stored.states.map((indexes) => {
        if (indexes.length !== variables.length)
          throw new RangeError(`a state has ${indexes.length} values for ${variables.length} variables`);
        return Object.fromEntries(variables.map((name, at) => [name, valueAt(values, indexes[at])]));
      }),
    });
  }

  toStored(): StoredGraph {
    const values: TlaValue[] = [];
    const indexes = new Map<string, number>();
    const indexOf = (value: TlaValue): number => {
      const text = valueText(value);
      const index = indexes.get(text) ?? values.push(value) - 1;
      indexes.set(text, index);
      return index;
    };
    return {
      module: this.module,
      variables: this.#variables,
      states: this.states.map((state) => this.#variables.map((name) => indexOf(valueOf(state, name)))),
      values,
      initial: this.initial,
      actions: this.actions,
      offsets: [...this.#offsets],
      stepActions: [...this.#stepActions],
      stepTargets: [...this.#stepTargets],
    };
  }

  /** How many steps there are; they are numbered from 0. */
  get steps(): number {
    return this.#stepTargets.length;
  }

  /** Number of the state with these values, undefined when it is not reachable. The first call builds an index. */
  stateId(state: TlaState): number | undefined {
    this.#stateIds ??= new Map(this.states.map((one, id) => [stateText(one), id]));
    return this.#stateIds.get(stateText(state));
  }

  /** Number of an action by its label, such as `ClaimRead("n1")`; look it up once, not on every step. */
  actionId(label: string): number | undefined {
    return this.#actionIds.get(label);
  }

  /** Number of an action by name and arguments. */
  actionIdOf(name: string, args: readonly TlaValue[] = []): number | undefined {
    const text = valueText(args);
    const id = this.actions.findIndex((action) => action.name === name && valueText(action.args) === text);
    return id < 0 ? undefined : id;
  }

  /** Steps of a state have the numbers from `firstStep` to before `endStep`, in order of their actions. */
  firstStep(state: number): number {
    return this.#offsets[state] ?? 0;
  }

  endStep(state: number): number {
    return this.#offsets[state + 1] ?? 0;
  }

  actionOf(step: number): number {
    return this.#stepActions[step] ?? 0;
  }

  targetOf(step: number): number {
    return this.#stepTargets[step] ?? 0;
  }

  /** The steps that an action can take in a state: none, one, or several where the action leaves a choice. */
  stepsOf(state: number, action: number): readonly number[] {
    const end = this.endStep(state);
    let at = this.firstStep(state);
    while (at < end && (this.#stepActions[at] ?? 0) < action) at++;
    if (at === end || this.#stepActions[at] !== action) return NO_STEPS;
    const found = [at];
    while (++at < end && this.#stepActions[at] === action) found.push(at);
    return found;
  }

  /** The actions that can happen in a state, in order, each once. */
  enabled(state: number): readonly number[] {
    const ids: number[] = [];
    for (let step = this.firstStep(state); step < this.endStep(state); step++) {
      if (ids.at(-1) !== this.actionOf(step)) ids.push(this.actionOf(step));
    }
    return ids;
  }

  /** The state behind this step, found by its source. */
  sourceOf(step: number): number {
    let low = 0;
    let high = this.states.length;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (this.firstStep(middle) <= step) low = middle;
      else high = middle;
    }
    return low;
  }

  /** States on the longest of the shortest paths from an initial state; what TLC calls the depth of the search. */
  get depth(): number {
    this.#depth ??= this.#search();
    return this.#depth;
  }

  #search(): number {
    const seen = new Uint8Array(this.states.length);
    let depth = 0;
    let level: number[] = [];
    const visit = (state: number): void => {
      if (seen[state] === 1) return;
      seen[state] = 1;
      level.push(state);
    };
    for (const state of this.initial) visit(state);
    while (level.length > 0) {
      const current = level;
      level = [];
      depth++;
      for (const state of current) for (let step = this.firstStep(state); step < this.endStep(state); step++) visit(this.targetOf(step));
    }
    return depth;
  }
}

function valueOf(state: TlaState, name: string): TlaValue {
  const value = state[name];
  if (value === undefined) throw new RangeError(`a state lacks the variable ${name}`);
  return value;
}

function valueAt(values: readonly TlaValue[], index: number | undefined): TlaValue {
  const value = index === undefined ? undefined : values[index];
  if (value === undefined) throw new RangeError(`there is no value ${index}, of ${values.length}`);
  return value;
}

/** The items in order of their keys, and for each old index the new one. */
function sortedBy<T>(items: readonly T[], key: (item: T, index: number) => string): { readonly order: T[]; readonly newIds: Uint32Array } {
  const keyed = items
    .map((item, index) => ({ item, index, key: key(item, index) }))
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  const newIds = new Uint32Array(items.length);
  keyed.forEach(({ index }, at) => {
    newIds[index] = at;
  });
  return { order: keyed.map(({ item }) => item), newIds };
}
