/**
 * Follows walks through the graph of a module. What is told leaves some steps untold, so the place of a walk is a *belief*: the set of
 * states that explain all that was told. Beliefs are numbered sets found lazily, and what an observation makes of a belief is kept, so
 * that a step that was seen before, in whatever run of this process, is a look-up. What is kept is bounded and never shows in an answer.
 */
import type { Mapping, Observation, SpecState } from '../../specs/mapping.js';
import { canonical } from '../../src/trace.js';
import type { StateGraph } from '../tla/state-graph.js';
import { valueText } from '../tla/tla-value.js';
import { Bits } from './bits.js';
import { NumberList } from './number-list.js';
import { NumberStore } from './number-store.js';

/** States that explain what a walk was told, after the last told step and before any hidden one. */
export interface Belief {
  /** Ascending, never empty. */
  readonly states: Uint32Array;
  /** Of the tracker that made it: which filling of its memory it belongs to. */
  readonly filling: number;
  readonly answers: Map<string, Answer>;
}

/** What was found for an observation. */
export interface Answer {
  /** Undefined when no state explains the observation: the walk has diverged. */
  readonly next: Belief | undefined;
  /** What lies on some explanation, from a state of the belief through hidden steps to where the observation leads. */
  readonly states: Ids;
  readonly steps: Ids;
  /** Mark of the last run that counted it. */
  run: number;
}

/** Few numbers as a list, many as bits. */
type Ids = Uint32Array | Bits;

/** What an observation means in this graph. */
interface Meaning {
  /** Canonical text of its steps, to notice a key that stands for two things. */
  readonly text: string;
  readonly actions: readonly number[];
  readonly still: ((state: SpecState) => boolean) | undefined;
  /** Per state: 0 not asked yet, 1 no, 2 yes. */
  readonly stillAt: Uint8Array;
}

export interface TrackerOptions {
  /** What is kept of answers, in bytes as far as they can be told; all is forgotten when there is more. */
  readonly bytesMax?: number;
}

/** A worker has one tracker a module. Eight times as much saves no time that can be measured: what is asked for often is soon found again. */
const BYTES_MAX = 3_000_000;
/** An answer without its numbers, its key, its place in a map. */
const BYTES_PER_ENTRY = 250;

export class Tracker {
  readonly mapping: Mapping;
  readonly graph: StateGraph;
  readonly #bytesMax: number;
  readonly #hidden: Uint8Array;
  /** Hidden steps by their target: those into state `s` are from `#intoOffsets[s]` to before `#intoOffsets[s + 1]`. */
  readonly #intoOffsets: Uint32Array;
  readonly #intoSteps: Uint32Array;
  readonly #intoSources: Uint32Array;
  /** Three marks a state that need no clearing: it is set when it equals the number of the search. */
  readonly #reached: Uint32Array;
  readonly #explains: Uint32Array;
  readonly #isTarget: Uint32Array;
  /** What a search goes through and finds. Lists made anew for every search were an eighth of all memory that a run took and gave back. */
  readonly #queue: NumberList;
  readonly #targets: NumberList;
  readonly #visitedStates: NumberList;
  readonly #visitedSteps: NumberList;
  #search = 0;
  #filling = 0;
  #bytes = 0;
  #runs = 0;
  readonly #beliefs = new Map<number, Belief[]>();
  readonly #meanings = new Map<string, Meaning>();
  readonly #numbers = new NumberStore();

  /** Throws RangeError when the mapping is of another module, or names a hidden action that the module does not have. */
  constructor(graph: StateGraph, mapping: Mapping, { bytesMax = BYTES_MAX }: TrackerOptions = {}) {
    if (graph.module !== mapping.module) throw new RangeError(`a mapping of ${mapping.module} cannot follow ${graph.module}`);
    const names = new Set(graph.actions.map(({ name }) => name));
    for (const name of mapping.hidden) {
      if (!names.has(name)) throw new RangeError(`the mapping of ${graph.module} hides ${name}, and the module has no such action`);
    }
    this.graph = graph;
    this.mapping = mapping;
    this.#bytesMax = bytesMax;
    const hiddenNames = new Set(mapping.hidden);
    this.#hidden = Uint8Array.from(graph.actions, ({ name }) => (hiddenNames.has(name) ? 1 : 0));
    const count = graph.states.length;
    this.#reached = new Uint32Array(count);
    this.#explains = new Uint32Array(count);
    this.#isTarget = new Uint32Array(count);
    this.#queue = new NumberList(count);
    this.#targets = new NumberList(count);
    this.#visitedStates = new NumberList(count);
    this.#visitedSteps = new NumberList(graph.steps);
    const { offsets, steps, sources } = this.#invert();
    this.#intoOffsets = offsets;
    this.#intoSteps = steps;
    this.#intoSources = sources;
  }

  get module(): string {
    return this.graph.module;
  }

  /** Where every walk begins. */
  begin(): Belief {
    return this.#intern(Uint32Array.from(this.graph.initial));
  }

  /** A number that no run had before, for `Answer.run`. */
  newRun(): number {
    return ++this.#runs;
  }

  /** Throws RangeError for an observation that names no step of the module, or a hidden one: the mapping is wrong then, not the run. */
  step(belief: Belief, observation: Observation): Answer {
    if (belief.filling === this.#filling) {
      const known = belief.answers.get(observation.key);
      if (known !== undefined) return known;
    }
    return this.#answer(belief.states, observation);
  }

  /** Labels of the told steps that are possible in a belief, with hidden ones before them; in order. */
  allowed(belief: Belief): readonly string[] {
    const ids = new Set<number>();
    this.#close(belief.states);
    for (const state of this.#queue.view()) {
      for (const action of this.graph.enabled(state)) if (this.#hidden[action] === 0) ids.add(action);
    }
    return [...ids].sort((a, b) => a - b).map((id) => this.graph.actions[id]?.label ?? '');
  }

  #answer(states: Uint32Array, observation: Observation): Answer {
    if (this.#bytes > this.#bytesMax) this.#forget();
    const belief = this.#intern(states);
    const known = belief.answers.get(observation.key);
    if (known !== undefined) return known;
    const { graph } = this;
    const meaning = this.#meaningOf(observation);
    this.#close(states);
    const search = this.#search;
    const targets = this.#targets;
    const visitedStates = this.#visitedStates;
    const visitedSteps = this.#visitedSteps;
    for (const list of [targets, visitedStates, visitedSteps]) list.clear();
    const lead = (target: number): void => {
      if (this.#isTarget[target] === search) return;
      this.#isTarget[target] = search;
      targets.push(target);
    };
    for (const state of this.#queue.view()) {
      let explains = false;
      if (this.#isStill(meaning, state)) {
        explains = true;
        lead(state);
      }
      for (const action of meaning.actions) {
        for (const step of graph.stepsOf(state, action)) {
          explains = true;
          visitedSteps.push(step);
          lead(graph.targetOf(step));
        }
      }
      if (explains) {
        this.#explains[state] = search;
        visitedStates.push(state);
      }
    }
    // The list grows while it is gone through: whatever leads to an explaining state by a hidden step explains too.
    for (let at = 0; at < visitedStates.length; at++) {
      const state = visitedStates.at(at);
      for (let into = this.#intoOffsets[state] ?? 0; into < (this.#intoOffsets[state + 1] ?? 0); into++) {
        const source = this.#intoSources[into] ?? 0;
        if (this.#reached[source] !== search) continue;
        visitedSteps.push(this.#intoSteps[into] ?? 0);
        if (this.#explains[source] === search) continue;
        this.#explains[source] = search;
        visitedStates.push(source);
      }
    }
    for (const target of targets.view()) if (this.#explains[target] !== search) visitedStates.push(target);
    const answer: Answer = {
      next: targets.length === 0 ? undefined : this.#intern(targets.view().sort()),
      states: this.#idsOf(graph.states.length, visitedStates.view()),
      steps: this.#idsOf(graph.steps, visitedSteps.view()),
      run: 0,
    };
    this.#bytes += BYTES_PER_ENTRY + bytesOf(answer.states) + bytesOf(answer.steps);
    belief.answers.set(observation.key, answer);
    return answer;
  }

  #isStill({ still, stillAt }: Meaning, state: number): boolean {
    if (still === undefined) return false;
    if (stillAt[state] === 0) stillAt[state] = still(this.graph.states[state] ?? {}) ? 2 : 1;
    return stillAt[state] === 2;
  }

  /** Fills the queue with the states and all that hidden steps lead to. */
  #close(states: Uint32Array): void {
    const { graph } = this;
    const queue = this.#queue;
    // A mark of an old search must not count: they begin again before the numbers end.
    if (this.#search === 0xffff_ffff) {
      for (const marks of [this.#reached, this.#explains, this.#isTarget]) marks.fill(0);
      this.#search = 0;
    }
    const search = ++this.#search;
    queue.clear();
    for (const state of states) {
      this.#reached[state] = search;
      queue.push(state);
    }
    for (let at = 0; at < queue.length; at++) {
      const state = queue.at(at);
      const last = graph.endStep(state);
      for (let step = graph.firstStep(state); step < last; step++) {
        if (this.#hidden[graph.actionOf(step)] === 0) continue;
        const target = graph.targetOf(step);
        if (this.#reached[target] === search) continue;
        this.#reached[target] = search;
        queue.push(target);
      }
    }
  }

  #meaningOf({ key, steps, still }: Observation): Meaning {
    const text = canonical(steps.map(({ action, args = [] }) => [action, args]));
    const known = this.#meanings.get(key);
    if (known !== undefined) {
      if (known.text === text) return known;
      throw new RangeError(`the mapping of ${this.module} uses the key ${key} for two observations: ${known.text} and ${text}`);
    }
    const ids = steps.map(({ action, args = [] }) => {
      const id = this.graph.actionIdOf(action, args);
      if (id === undefined) {
        throw new RangeError(
          `the mapping of ${this.module} tells of ${action}(${args.map(valueText).join(', ')}), and the module has no such step`,
        );
      }
      if (this.#hidden[id] !== 0) throw new RangeError(`the mapping of ${this.module} tells of ${action}, which it says is hidden`);
      return id;
    });
    // Each once: a step that was counted twice would have no place in the list of those that were visited.
    const actions = [...new Set(ids)];
    const meaning: Meaning = { text, actions, still, stillAt: new Uint8Array(still === undefined ? 0 : this.graph.states.length) };
    this.#bytes += BYTES_PER_ENTRY + meaning.stillAt.byteLength;
    this.#meanings.set(key, meaning);
    return meaning;
  }

  /** The one belief with these states. */
  #intern(states: Uint32Array): Belief {
    const hash = hashOf(states);
    const alike = this.#beliefs.get(hash) ?? [];
    const known = alike.find((belief) => equal(belief.states, states));
    if (known !== undefined) return known;
    const belief: Belief = { states: this.#numbers.keep(states), filling: this.#filling, answers: new Map() };
    this.#beliefs.set(hash, [...alike, belief]);
    this.#bytes += BYTES_PER_ENTRY + states.byteLength;
    return belief;
  }

  /** A number takes 32 times the place of a bit. */
  #idsOf(size: number, ids: Uint32Array): Ids {
    return ids.length * 32 > size ? Bits.of(size, ids, this.#numbers) : this.#numbers.keep(ids);
  }

  #forget(): void {
    this.#filling++;
    this.#bytes = 0;
    this.#numbers.clear();
    this.#beliefs.clear();
    this.#meanings.clear();
  }

  /** Hidden steps in order of their targets. */
  #invert(): { readonly offsets: Uint32Array; readonly steps: Uint32Array; readonly sources: Uint32Array } {
    const { graph } = this;
    const count = graph.states.length;
    const offsets = new Uint32Array(count + 1);
    for (let step = 0; step < graph.steps; step++) {
      if (this.#hidden[graph.actionOf(step)] === 0) continue;
      const after = graph.targetOf(step) + 1;
      offsets[after] = (offsets[after] ?? 0) + 1;
    }
    for (let state = 0; state < count; state++) offsets[state + 1] = (offsets[state + 1] ?? 0) + (offsets[state] ?? 0);
    const free = offsets.slice(0, count);
    const steps = new Uint32Array(offsets[count] ?? 0);
    const sources = new Uint32Array(offsets[count] ?? 0);
    for (let source = 0; source < count; source++) {
      for (let step = graph.firstStep(source); step < graph.endStep(source); step++) {
        if (this.#hidden[graph.actionOf(step)] === 0) continue;
        const target = graph.targetOf(step);
        const at = free[target] ?? 0;
        free[target] = at + 1;
        steps[at] = step;
        sources[at] = source;
      }
    }
    return { offsets, steps, sources };
  }
}

const bytesOf = (ids: Ids): number => (ids instanceof Bits ? ids.bytes : ids.byteLength);

/** Adds the numbers of an answer to a set of the same size. */
export function addIds(bits: Bits, ids: Ids): void {
  if (ids instanceof Bits) bits.union(ids);
  else for (const id of ids) bits.add(id);
}

function hashOf(states: Uint32Array): number {
  let hash = states.length;
  for (const state of states) {
    hash = Math.imul(hash ^ state, 0x85ebca6b);
    hash ^= hash >>> 13;
  }
  return hash;
}

function equal(a: Uint32Array, b: Uint32Array): boolean {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false;
  return true;
}
