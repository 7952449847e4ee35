/** The formula of a predicate is equal to it on every state, as the engine sees it, and speaks of no more than it must. */
import { beforeAll, describe, expect, test } from 'vitest';
import type { SpecState } from '../../specs/mapping.js';
import { embeddedChecker } from '../tla/embedded.js';
import type { Model } from '../tla/model-checker.js';
import { readSpecs } from '../tla/spec-catalogue.js';
import { StateGraph } from '../tla/state-graph.js';
import type { TlaState } from '../tla/tla-value.js';
import { StateFormulas } from './state-formula.js';

const graphOf = (states: readonly TlaState[]): StateGraph =>
  StateGraph.build({ module: 'Small', states, initial: [0], actions: [], steps: [] });

describe('on states made up for it', () => {
  const states = ['Idle', 'Active', 'Down'].flatMap((a) =>
    ['Idle', 'Active'].flatMap((b) =>
      [[], [{ id: 1 }], [{ id: 2 }, { id: 1 }], [{ id: 3 }, { id: 1 }]].map((log) => ({ phase: { a, b }, log })),
    ),
  );
  const formulas = new StateFormulas(graphOf(states));
  const phase = (state: SpecState): Readonly<Record<string, string>> => state['phase'] as Readonly<Record<string, string>>;
  const log = (state: SpecState): readonly { readonly id: number }[] => state['log'] as readonly { readonly id: number }[];

  test.each([
    ['what always holds', () => true, 'TRUE'],
    ['what never holds', () => false, 'FALSE'],
    ['one part', (state: SpecState) => phase(state)['a'] === 'Active', 'phase["a"] = "Active"'],
    ['the shorter side', (state: SpecState) => phase(state)['a'] !== 'Active', '~(phase["a"] = "Active")'],
    [
      'two parts',
      (state: SpecState) => phase(state)['a'] === 'Down' && phase(state)['b'] === 'Idle',
      /phase\["a"\] = "Down" \/\\ phase\["b"\] = "Idle"/,
    ],
    ['a length', (state: SpecState) => log(state).length === 2, 'Len(log) = 2'],
    ['a member of a sequence that may be short', (state: SpecState) => log(state)[0]?.id === 2, 'Len(log) >= 1 /\\ log[1]["id"] = 2'],
  ] as const)('%s', (_, predicate, expected) => {
    expect(formulas.of(predicate)).toMatch(
      expected instanceof RegExp ? expected : new RegExp(`^${expected.replaceAll(/[\\[\](){}"~+^$.*|/]/g, '\\$&')}$`),
    );
  });
});

/** An engine explores some thousand states, on a machine that may have other things to do. */
const TIMEOUT_MS = 60_000;

describe('on the states of the write-ahead log', { timeout: TIMEOUT_MS }, () => {
  const spec = readSpecs().find(({ module }) => module === 'KelpieWAL');
  let formulas: StateFormulas;
  let graph: StateGraph;
  beforeAll(async () => {
    if (spec === undefined) throw new Error('there is no KelpieWAL');
    graph = await embeddedChecker.graph(spec.good.model);
    formulas = new StateFormulas(graph);
  }, TIMEOUT_MS);

  /** Whether the engine finds the formula true exactly in so many states. */
  test.each([
    [
      'a key is durable',
      (state: SpecState) =>
        (state['log'] as readonly { key: string; status: string }[]).some(({ key, status }) => key === 'k1' && status !== 'Buffered'),
    ],
    ['the node is down', ({ phase }: SpecState) => phase === 'Down'],
    [
      'a caller waits for what has taken effect',
      (state: SpecState) =>
        (state['client'] as Record<string, string>)['k2'] === 'Waiting' && (state['effect'] as Record<string, number>)['k2'] === 1,
    ],
  ] as const)('%s', async (_, predicate) => {
    const model = spec?.good.model as Model;
    const asked = formulas.of(predicate);
    const end = model.source.lastIndexOf('\n====');
    // Where the formula and its negation are both invariants of the states of one truth value, they agree with the predicate there.
    const counts = { yes: graph.states.filter((state) => predicate(state)).length, all: graph.states.length };
    expect(counts.yes).toBeGreaterThan(0);
    expect(counts.yes).toBeLessThan(counts.all);
    const stopped: Model = {
      ...model,
      // States in which the formula holds go nowhere: the states reached then are counted by the engine.
      source: `${model.source.slice(0, end)}\nAsked == ${asked}\nStopped == ~Asked /\\ Next${model.source.slice(end)}`,
      config: model.config.replace('SPECIFICATION Spec', 'INIT Init\nNEXT Stopped').concat('CHECK_DEADLOCK FALSE\n'),
    };
    const { distinctStates, verdict } = await embeddedChecker.check(stopped);
    expect({ verdict, distinctStates }).toEqual({ verdict: 'holds', distinctStates: reachedUntil(graph, predicate) });
  });
});

/** States on the ways from the initial ones that go on only where the predicate is false. */
function reachedUntil(graph: StateGraph, predicate: (state: SpecState) => boolean): number {
  const found = new Set(graph.initial);
  for (const state of found) {
    const here = graph.states[state];
    if (here === undefined || predicate(here)) continue;
    for (let step = graph.firstStep(state); step < graph.endStep(state); step++) found.add(graph.targetOf(step));
  }
  return found.size;
}
