import { expect, test } from 'vitest';
import type { Case, Run } from '../src/run.js';
import type { CaseOutcome } from './run-case.js';
import { withTrace } from './with-trace.js';

const run = { verdict: 'violation', traceHash: 'aaaa', case: {} as Case } as Run; // what the function reads
const failed: CaseOutcome = { run, trace: [], wallMs: 1, completed: true };
const event = { index: 0, at: 0, node: '', life: 0, cause: -1, body: { type: 'phase' } };
const never = (): Promise<CaseOutcome> => {
  throw new Error('must not run again');
};

test('a failure is done again, and the second run brings the trace', async () => {
  const recorded = { ...failed, trace: [event] };
  expect(await withTrace(failed, () => Promise.resolve(recorded))).toBe(recorded);
});

test('a run that passed, that was recorded, or that did not come to its end is not done again', async () => {
  for (const first of [
    { ...failed, run: { ...run, verdict: 'pass' as const } },
    { ...failed, trace: [event] },
    { ...failed, completed: false },
  ]) {
    expect(await withTrace(first, never)).toBe(first);
  }
});

test('two runs that differ are nondeterminism, told with both', async () => {
  const other = { ...failed, run: { ...run, traceHash: 'bbbb', verdict: 'pass' as const }, trace: [event] };
  const outcome = await withTrace(failed, () => Promise.resolve(other));
  expect(outcome.run.verdict).toBe('nondeterminism');
  expect(outcome.run.reason).toContain('first trace hash aaaa and verdict violation, then trace hash bbbb and verdict pass');
  expect(outcome.trace).toEqual([event]);

  const died = { ...failed, run: { ...run, traceHash: '', verdict: 'hang' as const }, completed: false };
  expect((await withTrace(failed, () => Promise.resolve(died))).run.reason).toContain('then no trace hash and verdict hang');
});
