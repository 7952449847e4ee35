import { describe, expect, test } from 'vitest';
import type { Mapping } from '../../specs/mapping.js';
import type { StoryEvent } from '../../src/ports.js';
import type { TraceEvent } from '../../src/trace.js';
import { StateGraph } from '../tla/state-graph.js';
import { Conformance } from './conformance.js';
import { Tracker } from './tracker.js';

/** A lamp that is switched on and off in turns. */
const lamp = StateGraph.build({
  module: 'Lamp',
  states: [{ lit: false }, { lit: true }],
  initial: [0],
  actions: ['On', 'Off'].map((name) => ({ name, args: [], label: name })),
  steps: [
    [0, 0, 1],
    [1, 1, 0],
  ],
});

interface LampEvent extends StoryEvent {
  readonly lamp: string;
}

/** One walk a lamp; `lamp.burnt` is more than the model has. */
const mapping: Mapping = {
  module: 'Lamp',
  hidden: [],
  start: (walks) => ({
    observe({ body }) {
      const { lamp: name } = body as LampEvent;
      if (body.type === 'lamp.on') walks.see(name, { key: 'on', steps: [{ action: 'On' }] });
      if (body.type === 'lamp.off') walks.see(name, { key: 'off', steps: [{ action: 'Off' }] });
      if (body.type === 'lamp.burnt') walks.leave(name, 'a burnt lamp');
    },
  }),
};

const tracker = new Tracker(lamp, mapping);

/** As a run tells it: event by event, each a little later. */
function told(...bodies: readonly LampEvent[]): Conformance {
  const conformance = new Conformance([tracker]);
  bodies.forEach((body, index) => {
    const event: TraceEvent = { index, at: index * 10, node: 'n1', life: 1, cause: -1, body };
    conformance.observe(event);
  });
  return conformance;
}

const on = { type: 'lamp.on', lamp: 'a' };
const off = { type: 'lamp.off', lamp: 'a' };

describe('a run', () => {
  test('that does what the spec allows has no divergence', () => {
    const conformance = told(on, { ...on, lamp: 'b' }, off, on);
    expect(conformance.violations()).toEqual([]);
    expect(conformance.report()).toEqual({ Lamp: { steps: 4, states: 2, divergences: 0, walks: 2, left: {} } });
  });

  test('that does not is told with walk, state, event and what was allowed; the walk ends, the others go on', () => {
    const conformance = told(on, on, off, { ...off, lamp: 'b' }, { ...on, lamp: 'c' });
    expect(conformance.report()).toEqual({ Lamp: { steps: 4, states: 2, divergences: 2, walks: 3, left: {} } });
    expect(conformance.violations()).toEqual([
      {
        invariant: 'Lamp',
        promise: 'what is told of Lamp is a walk through its states',
        expected: 'one of Off, in the state with lit = TRUE',
        seen: 'on by lamp.on, in the walk a after on',
        atMicros: 10,
        nodes: ['n1'],
        event: 1,
        spec: 'Lamp!Next',
      },
      expect.objectContaining({ seen: 'off by lamp.off, in the walk b at its beginning', event: 3 }),
    ]);
  });

  test('that leaves the model is judged up to there', () => {
    const conformance = told(on, { type: 'lamp.burnt', lamp: 'a' }, on, { type: 'lamp.burnt', lamp: 'a' });
    expect(conformance.report()['Lamp']).toEqual({ steps: 1, states: 2, divergences: 0, walks: 1, left: { 'a burnt lamp': 1 } });
  });

  test('of a mapping that is wrong in itself is refused at its end, and not blamed on the program', () => {
    const absent: Mapping = {
      ...mapping,
      start: (walks) => ({ observe: () => walks.see('a', { key: 'x', steps: [{ action: 'Burn' }] }) }),
    };
    const conformance = new Conformance([new Tracker(lamp, absent)]);
    conformance.observe({ index: 0, at: 0, node: 'n1', life: 1, cause: -1, body: on });
    expect(() => conformance.report()).toThrow('the mapping of Lamp tells of Burn(), and the module has no such step');
  });

  test('is shown to a mapping as far as it hears, and no further', () => {
    const heard: string[] = [];
    const hearing: Mapping = {
      ...mapping,
      hears: ['boot', 'kill'],
      start: () => ({ observe: ({ body }) => void heard.push(body.type) }),
    };
    const conformance = new Conformance([new Tracker(lamp, hearing)]);
    ['boot', 'stop', 'kill', 'lamp.on'].forEach((type, index) => {
      conformance.observe({ index, at: index, node: 'n1', life: 1, cause: -1, body: { type } });
    });
    conformance.report();
    expect(heard).toEqual(['boot', 'kill']);
  });

  test('tells its divergences in the order of the events, whichever module they are of, and no more than the first ten', () => {
    const other = StateGraph.build({
      module: 'Other',
      states: [{ lit: false }, { lit: true }],
      initial: [0],
      actions: ['On', 'Off'].map((name) => ({ name, args: [], label: name })),
      steps: [[0, 0, 1]],
    });
    const conformance = new Conformance([tracker, new Tracker(other, { ...mapping, module: 'Other' })]);
    // More events than are followed at a time: each lamp goes on and off, which the second module forbids, and in the end off again.
    const lamps = Array.from({ length: 2_000 }, (_, at) => `lamp ${at}`);
    const story = [
      ...lamps.flatMap((name) => [
        { ...on, lamp: name },
        { ...off, lamp: name },
      ]),
      { ...off, lamp: 'lamp 0' },
    ];
    story.forEach((body, index) => conformance.observe({ index, at: index, node: 'n1', life: 1, cause: -1, body }));
    expect(conformance.divergences.map(({ module, event }) => `${module} ${event.index}`)).toEqual(
      Array.from({ length: 10 }, (_, at) => `Other ${2 * at + 1}`),
    );
    expect(conformance.report()).toMatchObject({ Lamp: { steps: 4_001, divergences: 1 }, Other: { steps: 4_000, divergences: 2_000 } });
  });

  test('counts what it has visited, whatever the tracker knew before', () => {
    const counted = told(on).coverage().get('Lamp');
    expect(counted?.states.ids()).toEqual([0, 1]);
    expect(counted?.steps.ids()).toEqual([0]);
    expect(counted?.certain.ids()).toEqual([1]);
    expect(told().coverage().get('Lamp')?.states.ids()).toEqual([]);
  });
});
