/** The graph against the plain list of steps that it was built from. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ActionCall } from './model-checker.js';
import { type RawGraph, StateGraph } from './state-graph.js';

const action = (label: string): ActionCall => {
  const [, name = label, arg] = /^(\w+)\((\w+)\)$/.exec(label) ?? [];
  return { name, args: arg === undefined ? [] : [arg], label };
};

const raw: RawGraph = {
  module: 'M',
  states: [{ x: 2 }, { x: 0 }, { x: 1 }],
  initial: [1],
  actions: [action('Up(b)'), action('Up(a)'), action('Reset'), action('Never')],
  steps: [
    [1, 0, 2],
    [2, 1, 0],
    [2, 1, 2],
    [0, 2, 1],
    [1, 0, 2],
  ], // prettier-ignore
};

describe('a small graph', () => {
  const graph = StateGraph.build(raw);
  const at = (x: number): number => graph.stateId({ x }) ?? -1;
  const up = (arg: string): number => graph.actionIdOf('Up', [arg]) ?? -1;

  test('finds states, actions and steps', () => {
    expect(graph.states).toEqual([{ x: 0 }, { x: 1 }, { x: 2 }]);
    expect(graph.initial).toEqual([at(0)]);
    expect(graph.stateId({ x: 3 })).toBeUndefined();
    expect(graph.actionId('Up(b)')).toBe(up('b'));
    expect(graph.actionId('Down')).toBeUndefined();
    expect(graph.actionIdOf('Up')).toBeUndefined();
    expect(graph.steps).toBe(4);
    expect(graph.depth).toBe(3);
  });

  test('answers what may happen where', () => {
    expect(graph.enabled(at(1))).toEqual([up('a')]);
    expect(graph.stepsOf(at(0), up('a'))).toEqual([]);
    expect(graph.stepsOf(at(1), up('a')).map((step) => graph.targetOf(step))).toEqual([at(1), at(2)]);
    expect(graph.stepsOf(at(0), up('b')).map((step) => [graph.sourceOf(step), graph.actionOf(step)])).toEqual([[at(0), up('b')]]);
  });

  test('is the same after it was stored', () => {
    const stored = JSON.parse(JSON.stringify(graph.toStored())) as ReturnType<StateGraph['toStored']>;
    expect(StateGraph.fromStored(stored).toStored()).toEqual(graph.toStored());
  });

  test('once loaded, states share the values that are equal', () => {
    const twice = StateGraph.build({
      module: 'Twice',
      states: [0, 1].map((x) => ({ x, why: { of: [1, 2] } })),
      initial: [0],
      actions: [],
      steps: [],
    });
    const { states } = StateGraph.fromStored(JSON.parse(JSON.stringify(twice.toStored())) as ReturnType<StateGraph['toStored']>);
    expect(states).toEqual([0, 1].map((x) => ({ x, why: { of: [1, 2] } })));
    expect(states[1]?.why).toBe(states[0]?.why);
  });

  test('refuses a stored state whose value is not there', () => {
    const { values, ...stored } = graph.toStored();
    expect(() => StateGraph.fromStored({ ...stored, values: values.slice(1) })).toThrow(`there is no value ${values.length - 1}`);
  });

  test('refuses a stored state with too few values', () => {
    expect(() => StateGraph.fromStored({ ...graph.toStored(), variables: ['x', 'y'] })).toThrow('a state has 1 values for 2 variables');
  });
});

test('any graph holds the steps that it was built from, numbered by content alone', () => {
  const graphs = fc.integer({ min: 1, max: 8 }).chain((count) => {
    const state = fc.nat({ max: count - 1 });
    return fc.record({
      order: fc.shuffledSubarray(
        Array.from({ length: count }, (_, x) => x),
        { minLength: count },
      ),
      actionOrder: fc.shuffledSubarray(['A', 'B(x)', 'B(y)'], { minLength: 3 }),
      steps: fc.array(fc.tuple(state, fc.nat({ max: 2 }), state), { maxLength: 20 }),
    });
  });
  fc.assert(
    fc.property(graphs, ({ order, actionOrder, steps }) => {
      const identity = order.toSorted((a, b) => a - b);
      const build = (states: readonly number[], labels: readonly string[]): StateGraph =>
        StateGraph.build({
          module: 'M',
          states: states.map((x) => ({ x })),
          initial: [states.indexOf(0)],
          actions: labels.map(action),
          // `steps` speaks of states by value and of actions in the order A, B(x), B(y).
          steps: steps.map(([from, by, to]) => [states.indexOf(from), labels.indexOf(['A', 'B(x)', 'B(y)'][by] ?? ''), states.indexOf(to)]),
        });
      const graph = build(order, actionOrder);
      expect(graph.toStored()).toEqual(build(identity, ['A', 'B(x)', 'B(y)']).toStored());
      const found = new Set<string>();
      for (let step = 0; step < graph.steps; step++) {
        const source = graph.sourceOf(step);
        expect(graph.stepsOf(source, graph.actionOf(step))).toContain(step);
        expect(graph.enabled(source)).toContain(graph.actionOf(step));
        const numberOf = (state: number): number => graph.states[state]?.x as number;
        found.add(`${numberOf(source)} ${graph.actions[graph.actionOf(step)]?.label} ${numberOf(graph.targetOf(step))}`);
      }
      expect(found).toEqual(new Set(steps.map(([from, by, to]) => `${from} ${['A', 'B(x)', 'B(y)'][by]} ${to}`)));
    }),
  );
});
