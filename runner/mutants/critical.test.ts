import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { criticalFiles, SUBJECTS, testsOf } from './critical.js';

test('every critical file is there, and stands under one subject', () => {
  const all = SUBJECTS.flatMap((subject) => criticalFiles([subject]));
  expect(all).toEqual([...new Set(all)]);
  expect(criticalFiles()).toEqual(all);
  for (const file of all) expect(existsSync(new URL(`../../${file}`, import.meta.url))).toBe(true);
});

test('a part that is none is refused, with those that there are', () => {
  expect(() => criticalFiles(['lease', 'leese'])).toThrow("'leese' is none of the mutated parts; they are wal, commit, lease");
});

test('every critical file has tests of its own, and they are there', () => {
  for (const file of criticalFiles()) {
    expect(testsOf(file).length).toBeGreaterThan(0);
    for (const path of testsOf(file)) expect(existsSync(new URL(`../../${path}`, import.meta.url))).toBe(true);
  }
  expect(() => testsOf('src/kelpie/node.ts')).toThrow('src/kelpie/node.ts is not mutated');
});
