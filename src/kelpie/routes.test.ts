import { expect, test } from 'vitest';
import { actorRef } from './ids.js';
import { Routes } from './routes.js';

const actor = (i: number) => actorRef('a', `${i}`).key;

test('remembers where actors are, the newest news of each, until it is told to forget', () => {
  const routes = new Routes(3);
  routes.set(actor(1), 'n1');
  routes.set(actor(2), 'n2');
  routes.set(actor(1), 'n3');
  expect([1, 2, 3].map((i) => routes.get(actor(i)))).toEqual(['n3', 'n2', undefined]);
  routes.delete(actor(1));
  expect(routes.get(actor(1))).toBeUndefined();
});

test('forgets the oldest, and one at a time, when there are more than it may hold', () => {
  const routes = new Routes(3);
  for (let i = 1; i <= 5; i++) routes.set(actor(i), `n${i}`);
  expect([1, 2, 3, 4, 5].map((i) => routes.get(actor(i)))).toEqual([undefined, undefined, 'n3', 'n4', 'n5']);
  // Nobody has to go for one that is there already.
  routes.set(actor(3), 'n9');
  expect([3, 4, 5].map((i) => routes.get(actor(i)))).toEqual(['n9', 'n4', 'n5']);
});
