import { expect, test } from 'vitest';
import { Bits } from './bits.js';
import type { Coverage } from './conformance.js';
import { VISITS_SCHEMA, VisitCounts } from './visits.js';

const run = (states: number[], steps: number[] = []): ReadonlyMap<string, Coverage> =>
  new Map([['Door', { states: Bits.of(5, states), steps: Bits.of(9, steps), certain: Bits.of(5, states.slice(0, 1)) }]]);

type NumberedRun = readonly [number: number, coverage: ReadonlyMap<string, Coverage>];

/** Each batch counted by itself, then added up. */
function addedUp(batches: readonly NumberedRun[][]): VisitCounts {
  const all = new VisitCounts();
  for (const batch of batches) {
    const counts = new VisitCounts();
    for (const one of batch) counts.addRun(...one);
    all.add(counts.visits());
  }
  return all;
}

const a: NumberedRun = [0, run([0, 1], [3])];
const b: NumberedRun = [1, run([1, 2], [3, 4])];
const c: NumberedRun = [2, run([4])];

test('the sum is the same however runs are put into batches, and in whatever order batches come', () => {
  const sums = [[[a, b, c]], [[a], [b], [c]], [[c, a], [b]], [[b], [c], [a]]].map(addedUp);
  for (const sum of sums) {
    expect(sum.figures()).toEqual({
      Door: { statesVisited: 4, statesReachable: 5, transitionsVisited: 2, transitionsReachable: 9, statesCertain: 3 },
    });
    expect(sum.states()).toEqual({ visited: 4, once: 3, runs: new Set([0, 1, 2]) });
    expect(sum.unreached('Door')).toEqual({ states: [3], transitions: [0, 1, 2, 5, 6, 7, 8] });
  }
});

test('a module that no run has touched is known from the news', () => {
  const [all, again] = [new VisitCounts(), new VisitCounts()];
  again.add(all.add(addedUp([[[0, run([])]]]).visits()));
  expect(again.figures()).toEqual(all.figures());
  expect(Object.keys(again.figures())).toEqual(['Door']);
});

test('adding up the news alone comes to the same, as text too', () => {
  const all = new VisitCounts();
  const again = new VisitCounts();
  for (const one of [a, b, a, c, b, [3, run([2, 4])] as const]) {
    const counts = new VisitCounts();
    counts.addRun(...one);
    const news = all.add(counts.visits());
    again.add(VISITS_SCHEMA.array().parse(JSON.parse(JSON.stringify(news))));
  }
  expect(again.visits()).toEqual(all.visits());
  // A run that comes twice is still one.
  expect(all.states()).toEqual({ visited: 4, once: 1, runs: new Set([0]) });
  expect(all.add(addedUp([[a]]).visits())).toEqual([]);
});

test('figures of another graph are refused', () => {
  const all = addedUp([[a]]);
  const other = new Map([['Door', { states: new Bits(6), steps: new Bits(9), certain: new Bits(6) }]]);
  const counts = new VisitCounts();
  counts.addRun(1, other);
  expect(() => all.add(counts.visits())).toThrow('Door has 5 states and 9 transitions, and these figures are of 6 and 9');
  expect(() =>
    all.add([
      {
        ...(addedUp([[a]]).visits()[0] as never as { module: string }),
        states: [7],
        alone: [],
        statesReachable: 5,
        transitionsReachable: 9,
        transitions: [],
        certain: [],
      },
    ]),
  ).toThrow('7 is no number of a graph of 5');
});
