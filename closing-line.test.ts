import { expect, test } from 'vitest';
import { closingLine, type CountedModule } from './closing-line.js';

function module(states: readonly string[], errors = 0, suiteErrors = 0): CountedModule {
  const failures = (count: number): readonly unknown[] => Array.from({ length: count }, () => new Error('planted'));
  return {
    errors: () => failures(errors),
    children: {
      allTests: () => states.map((state) => ({ result: () => ({ state }) })),
      allSuites: () => [{ errors: () => failures(suiteErrors) }],
    },
  };
}

test('counts tests over all files', () => {
  expect(closingLine([module(['passed', 'passed']), module(['passed'])], 0)).toBe('3 passed, 0 failed');
  expect(closingLine([module(['passed', 'failed', 'skipped'])], 0)).toBe('1 passed, 1 failed, 1 skipped');
  expect(closingLine([], 0)).toBe('0 passed, 0 failed');
});

test('a file that does not load, a hook that throws, a stray error and a test that never ended are failures', () => {
  expect(closingLine([module([], 1)], 0)).toBe('0 passed, 1 failed');
  expect(closingLine([module(['passed'], 0, 2)], 0)).toBe('1 passed, 2 failed');
  expect(closingLine([module(['passed'])], 3)).toBe('1 passed, 3 failed');
  expect(closingLine([module(['pending'])], 0)).toBe('0 passed, 1 failed');
});
