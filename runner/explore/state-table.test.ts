import { expect, test } from 'vitest';
import { StateTable } from './state-table.js';

test('knows a state with as many decisions left or fewer', () => {
  const table = new StateTable(16);
  const state = { a: 1, b: -2 };
  expect(table.has(state, 0)).toBe(false);
  table.put(state, 3);
  expect([0, 3, 4].map((left) => table.has(state, left))).toEqual([true, true, false]);
  table.put(state, 5);
  table.put(state, 1);
  expect(table.has(state, 5)).toBe(true);
  expect(table.has({ a: 1, b: 2 }, 0)).toBe(false);
  expect(table.size).toBe(1);
});

test('is read by others over the same memory', () => {
  const table = new StateTable(16);
  table.put({ a: 7, b: 8 }, 0);
  expect(new StateTable(table.buffer).has({ a: 7, b: 8 }, 0)).toBe(true);
});

test('takes no more when it is three quarters full, and keeps what it has', () => {
  const table = new StateTable(64);
  for (let i = 0; i < 200; i++) table.put({ a: i, b: i * 31 }, 1);
  expect(table.isFull).toBe(true);
  expect(table.size).toBe(48);
  expect(Array.from({ length: 200 }, (_, i) => table.has({ a: i, b: i * 31 }, 1)).filter(Boolean)).toHaveLength(48);
  table.put({ a: 0, b: 0 }, 2);
  expect(table.has({ a: 0, b: 0 }, 2)).toBe(true);
});

test('has a power of two slots', () => {
  expect(() => new StateTable(48)).toThrow(/power of two/);
});
