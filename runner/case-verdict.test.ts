import { expect, test } from 'vitest';
import { type CaseVerdict, failsAlike } from './case-verdict.js';

const failure = (more: Partial<CaseVerdict>): CaseVerdict => ({
  verdict: 'violation',
  invariant: 'x',
  signature: 'x: seen',
  traceHash: '',
  events: 1,
  effects: '',
  ...more,
});
const ended = (verdict: CaseVerdict['verdict'], reason: string): CaseVerdict =>
  failure({ verdict, invariant: null, signature: `${verdict}: ${reason}` });

test('two failures are alike where the same promise is broken, whatever was seen', () => {
  expect(failsAlike(failure({}), failure({ signature: 'x: something else' }))).toBe(true);
  expect(failsAlike(failure({}), failure({ invariant: 'y' }))).toBe(false);
  expect(failsAlike(failure({}), failure({ verdict: 'pass', invariant: null }))).toBe(false);
});

test('two crashes are alike where their reason is, but what has not converged may differ', () => {
  expect(failsAlike(ended('crash', 'no such account'), ended('crash', 'no such account'))).toBe(true);
  expect(failsAlike(ended('crash', 'no such account'), ended('crash', 'out of memory'))).toBe(false);
  expect(failsAlike(ended('liveness', 'a call'), ended('liveness', 'an actor'))).toBe(true);
  expect(failsAlike(ended('liveness', 'a call'), ended('crash', 'a call'))).toBe(false);
});

test('what passes is no failure', () => {
  expect(failsAlike(ended('pass', ''), ended('pass', ''))).toBe(false);
});
