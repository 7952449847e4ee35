import { expect, test } from 'vitest';
import { summaryOf, summaryText } from './state-summary.js';

const graph = {
  states: [
    { lit: true, turn: 'a', since: 1 },
    { lit: true, turn: 'a', since: 2 },
    { lit: true, turn: 'b', since: 3 },
    { lit: true, turn: 'b', since: 4 },
  ],
};

test('what is equal in all states is told with its value, what is open with a few', () => {
  const variables = summaryOf([0, 1, 2, 3], graph);
  expect(variables).toEqual([
    { name: 'lit', values: ['TRUE'], count: 1 },
    { name: 'since', values: ['1', '2', '3'], count: 4 },
    { name: 'turn', values: ['"a"', '"b"'], count: 2 },
  ]);
  expect(summaryText(variables)).toBe('lit = TRUE, and one of several values of since, turn');
  expect(summaryText(summaryOf([2], graph))).toBe('lit = TRUE, since = 3, turn = "b"');
  expect(summaryText(variables.filter(({ count }) => count > 1))).toBe('one of several values of since, turn');
});
