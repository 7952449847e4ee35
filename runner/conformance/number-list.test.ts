import { expect, test } from 'vitest';
import { NumberList } from './number-list.js';

test('a list gives back what was pushed since it was cleared', () => {
  const list = new NumberList(3);
  list.push(7);
  list.push(0xffff_ffff);
  expect([list.length, list.at(0), list.at(1), list.at(2)]).toEqual([2, 7, 0xffff_ffff, 0]);
  expect([...list.view()]).toEqual([7, 0xffff_ffff]);
  list.clear();
  list.push(5);
  expect([...list.view()]).toEqual([5]);
  expect([list.length, list.at(1)]).toEqual([1, 0]);
});

test('a full list takes no more', () => {
  const list = new NumberList(1);
  list.push(1);
  expect(() => list.push(2)).toThrow(new RangeError('a list of 1 numbers is full'));
  expect([...list.view()]).toEqual([1]);
});
