import { expect, test } from 'vitest';
import { leastVisited } from './unreached.js';

const states = [
  { log: [], phase: { n1: 'Up' } },
  { log: ['a'], phase: { n1: 'Up' } },
  { log: ['a', 'b'], phase: { n1: 'Up' } },
  { log: ['a', 'b'], phase: { n1: 'Down' } },
];

test('what has a share of its states visited is told, the least first', () => {
  expect(leastVisited(states, [2, 3])).toEqual([
    { where: 'Len(log) = 2', visited: 0, reachable: 2 },
    { where: 'log[2] = "b"', visited: 0, reachable: 2 },
    { where: 'phase["n1"] = "Down"', visited: 0, reachable: 1 },
    { where: 'log[1] = "a"', visited: 1, reachable: 3 },
    { where: 'phase["n1"] = "Up"', visited: 2, reachable: 3 },
  ]);
});

test('where all is visited nothing is told', () => {
  expect(leastVisited(states, [])).toEqual([]);
});
