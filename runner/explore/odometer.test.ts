import { expect, test } from 'vitest';
import type { DecisionPoint } from '../../src/sim/explorer.js';
import { Odometer, type Route } from './odometer.js';

const point = (position: number, choices: number, own = choices, entangled = false): DecisionPoint => ({
  kind: 'schedule',
  position,
  left: 0,
  choices,
  own,
  entangled,
  state: { a: position, b: choices },
});

/** The routes taken, with what each chose in a world of these decisions. */
function count(choices: readonly number[], own: readonly number[] = choices): Route[] {
  const odometer = new Odometer();
  const routes: Route[] = [];
  for (let [route] = odometer.take(1); route !== undefined; [route] = odometer.take(1)) {
    routes.push(route);
    odometer.branch(
      route,
      choices.map((ways, position) => point(position, ways, own[position])),
    );
  }
  expect(odometer.waiting).toBe(0);
  expect(odometer.turns).toBeUndefined();
  expect(odometer.known).toBe(routes.length);
  return routes;
}

const whole = (route: Route, length: number): string => Array.from({ length }, (_, i) => route[i] ?? 0).join('');

test('counts every list of choices once', () => {
  const lists = count([2, 3, 2]).map((route) => whole(route, 3));
  expect(lists).toHaveLength(12);
  expect(new Set(lists).size).toBe(12);
});

test('counts those with few turns first', () => {
  const turns = count([2, 3, 2, 2]).map((route) => route.filter((choice) => choice > 0).length);
  expect(turns).toEqual([...turns].sort((a, b) => a - b));
  expect(turns.at(-1)).toBe(4);
});

test('leaves out ways that do not matter, until they turn out to', () => {
  expect(count([3, 3], [1, 2])).toEqual([[], [0, 1]]);
  const odometer = new Odometer();
  odometer.branch([], [point(0, 3, 1), point(1, 2)]);
  expect(odometer.take(1)).toEqual([[]]);
  expect(odometer.take(9)).toEqual([[0, 1]]);
  // The other run of the same beginning shows that its first decision matters, and later it is told again.
  odometer.branch([0, 1], [point(0, 3, 1, true), point(1, 2)]);
  odometer.branch([0, 1], [point(0, 3, 1, true)]);
  expect(odometer.take(9)).toEqual([[1], [2]]);
  expect(odometer.waiting).toBe(0);
});
