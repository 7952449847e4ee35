import { describe, expect, test } from 'vitest';
import type { Mapping, Observation } from '../../specs/mapping.js';
import { StateGraph } from '../tla/state-graph.js';
import { addIds, Tracker } from './tracker.js';
import { Bits } from './bits.js';

/**
 * A door: shut, open or locked. `Open` and `Lock` are told; `Shut` is hidden; `Jam` leads from open to two kinds of being stuck.
 * Numbers of states follow their text: locked 0, open 1, shut 2, stuck-1 3, stuck-2 4.
 */
const NAMES = ['shut', 'open', 'locked', 'stuck-1', 'stuck-2'];
const [SHUT, OPEN, LOCKED, STUCK_1, STUCK_2] = [0, 1, 2, 3, 4];
const [OPENS, SHUTS, LOCKS, JAMS] = [0, 1, 2, 3];
const call = (name: string) => ({ name, args: [], label: name });
const door = StateGraph.build({
  module: 'Door',
  states: NAMES.map((is) => ({ is })),
  initial: [SHUT],
  actions: ['Open', 'Shut', 'Lock', 'Jam'].map(call),
  steps: [
    [SHUT, OPENS, OPEN],
    [OPEN, SHUTS, SHUT],
    [SHUT, LOCKS, LOCKED],
    [OPEN, JAMS, STUCK_1],
    [OPEN, JAMS, STUCK_2],
  ],
});

const mapping: Mapping = { module: 'Door', hidden: ['Shut'], start: () => ({ observe: () => {} }) };
const see = (...actions: string[]): Observation => ({ key: actions.join('|'), steps: actions.map((action) => ({ action })) });
const look = (...names: string[]): Observation => ({
  key: `is ${names.join('|')}`,
  steps: [],
  still: (state) => names.includes(state['is'] as string),
});

const namesOf = (states: Iterable<number>): unknown[] => [...states].map((id) => door.states[id]?.['is']);
const labelOf = (step: number): string =>
  `${String(namesOf([door.sourceOf(step)])[0])} ${door.actions[door.actionOf(step)]?.label ?? ''} ${String(namesOf([door.targetOf(step)])[0])}`;

/** The states after each observation, null after a divergence. */
function walk(tracker: Tracker, observations: readonly Observation[]): unknown[] {
  let belief = tracker.begin();
  return observations.map((observation) => {
    const { next } = tracker.step(belief, observation);
    if (next === undefined) return null;
    belief = next;
    return namesOf(next.states);
  });
}

describe('a walk', () => {
  test.each<[string, Observation[], unknown[]]>([
    ['takes told steps', [see('Open')], [['open']]],
    ['takes hidden steps before a told one', [see('Open'), see('Open'), see('Lock')], [['open'], ['open'], ['locked']]],
    ['takes no told step that is not told', [see('Lock'), see('Open')], [['locked'], null]],
    ['takes no hidden step before it has to', [see('Open'), look('open')], [['open'], ['open']]],
    ['takes hidden steps before a look', [see('Open'), look('shut')], [['open'], ['shut']]],
    ['keeps all that a look allows', [see('Open'), look('open', 'shut')], [['open'], ['open', 'shut']]],
    ['keeps all that a step leads to', [see('Open'), see('Jam')], [['open'], ['stuck-1', 'stuck-2']]],
    ['forgets what a later look excludes', [see('Open'), see('Jam'), look('stuck-2')], [['open'], ['stuck-1', 'stuck-2'], ['stuck-2']]],
    ['takes any one of several steps', [see('Open'), see('Lock', 'Jam')], [['open'], ['locked', 'stuck-1', 'stuck-2']]],
    ['diverges where no state explains a look', [look('open')], [null]],
  ])('%s', (_, observations, expected) => {
    expect(walk(new Tracker(door, mapping), observations)).toEqual(expected);
  });

  test('takes a step, or is still where the step is none', () => {
    const openOrNot: Observation = { ...see('Open'), key: 'Open if shut', still: (state) => state['is'] !== 'shut' };
    expect(walk(new Tracker(door, mapping), [see('Open'), see('Jam'), openOrNot])).toEqual([
      ['open'],
      ['stuck-1', 'stuck-2'],
      ['stuck-1', 'stuck-2'],
    ]);
  });

  test('takes a step that is named twice once', () => {
    const states = [{ is: 'open' }, { is: 'shut' }];
    const hinge = StateGraph.build({ module: 'Door', states, initial: [1], actions: [call('Open')], steps: [[1, 0, 0]] });
    const tracker = new Tracker(hinge, { ...mapping, hidden: [] });
    expect([...(tracker.step(tracker.begin(), see('Open', 'Open')).next?.states ?? [])]).toEqual([0]);
  });

  test('says which told steps were allowed', () => {
    const tracker = new Tracker(door, mapping);
    expect(tracker.allowed(tracker.begin())).toEqual(['Lock', 'Open']);
    const { next } = tracker.step(tracker.begin(), see('Open'));
    expect(next && tracker.allowed(next)).toEqual(['Jam', 'Lock', 'Open']);
  });
});

describe('coverage of a step', () => {
  function visited(observations: readonly Observation[]): { readonly states: unknown[]; readonly steps: string[] } {
    const tracker = new Tracker(door, mapping);
    let belief = tracker.begin();
    let last = tracker.step(belief, observations[0] as Observation);
    for (const observation of observations.slice(1)) {
      belief = last.next ?? belief;
      last = tracker.step(belief, observation);
    }
    const states = new Bits(door.states.length);
    const steps = new Bits(door.steps);
    addIds(states, last.states);
    addIds(steps, last.steps);
    return { states: namesOf(states.ids()), steps: steps.ids().map(labelOf) };
  }

  test('is its source, its target and the way there', () => {
    expect(visited([see('Open'), see('Lock')])).toEqual({
      states: ['locked', 'open', 'shut'],
      steps: ['open Shut shut', 'shut Lock locked'],
    });
  });
  test('leaves out hidden steps that lead away from it', () => {
    expect(visited([see('Open'), see('Jam')])).toEqual({
      states: ['open', 'stuck-1', 'stuck-2'],
      steps: ['open Jam stuck-1', 'open Jam stuck-2'],
    });
  });
  test('is nothing where nothing explains it', () => {
    expect(visited([see('Lock'), see('Jam')])).toEqual({ states: [], steps: [] });
  });
});

describe('what is kept', () => {
  test('is one belief for equal sets and one answer for equal questions', () => {
    const tracker = new Tracker(door, mapping);
    const first = tracker.step(tracker.begin(), see('Open'));
    expect(tracker.step(tracker.begin(), see('Open'))).toBe(first);
    expect(first.next && tracker.step(first.next, look('open')).next).toBe(first.next);
  });

  test('never shows in the answers', () => {
    const choices = [see('Open'), see('Lock'), see('Jam'), look('open', 'shut'), look('stuck-1'), see('Lock', 'Jam')];
    const kept = new Tracker(door, mapping);
    const forgetful = new Tracker(door, mapping, { bytesMax: 0 });
    // Every sequence of five observations, told to a tracker that keeps all and to one that forgets all the time.
    for (let sequence = 0; sequence < choices.length ** 5; sequence++) {
      const observations = Array.from(
        { length: 5 },
        (_, at) => choices[Math.floor(sequence / choices.length ** at) % choices.length] as Observation,
      );
      expect(walk(forgetful, observations)).toEqual(walk(kept, observations));
    }
  });
});

describe('a mapping that is wrong in itself is refused:', () => {
  test('another module', () => {
    expect(() => new Tracker(door, { ...mapping, module: 'Window' })).toThrow('a mapping of Window cannot follow Door');
  });
  test('a hidden action that is none', () => {
    expect(() => new Tracker(door, { ...mapping, hidden: ['Slam'] })).toThrow('hides Slam, and the module has no such action');
  });
  test('a step that is none', () => {
    const tracker = new Tracker(door, mapping);
    const wrong: Observation = { key: 'Open twice', steps: [{ action: 'Open', args: [2] }] };
    expect(() => tracker.step(tracker.begin(), wrong)).toThrow('tells of Open(2), and the module has no such step');
  });
  test('a hidden step that is told', () => {
    const tracker = new Tracker(door, mapping);
    expect(() => tracker.step(tracker.begin(), see('Shut'))).toThrow('tells of Shut, which it says is hidden');
  });
  test('one key for two observations', () => {
    const tracker = new Tracker(door, mapping);
    const { next } = tracker.step(tracker.begin(), see('Open'));
    expect(() => tracker.step(next ?? tracker.begin(), { ...see('Lock'), key: 'Open' })).toThrow('uses the key Open for two observations');
  });
});
