import { expect, test } from 'vitest';
import { seedAfter } from '../seed.js';
import { type Plan, runAt, runsOf } from './plan.js';
import { signatureOf } from './signature.js';

const plan: Plan = { scenarios: ['a', 'b'], profile: 'swarm', bug: null, from: 10, seeds: 7, shard: { index: 1, of: 1 } };
const all = (one: Plan) => Array.from({ length: runsOf(one) }, (_, i) => runAt(one, i));

test('scenarios take turns, seeds count up', () => {
  expect(all({ ...plan, seeds: 2 })).toEqual([
    { scenario: 'a', seed: 10 },
    { scenario: 'b', seed: 10 },
    { scenario: 'a', seed: 11 },
    { scenario: 'b', seed: 11 },
  ]);
});

test('shards share the whole, without one run twice', () => {
  const shards = [1, 2, 3].map((index) => all({ ...plan, shard: { index, of: 3 } }));
  expect(shards.map((shard) => shard.length)).toEqual([6, 4, 4]);
  const key = ({ scenario, seed }: { scenario: string; seed: unknown }) => `${scenario}${String(seed)}`;
  expect(shards.flat().map(key).sort()).toEqual(all(plan).map(key).sort());
});

test('a commit counts up as a number of forty digits', () => {
  expect(seedAfter('00000000000000000000000000000000000000ff', 1)).toBe('0000000000000000000000000000000000000100');
  expect(seedAfter('f'.repeat(40), 1)).toBe('0'.repeat(40));
  expect(() => seedAfter(Number.MAX_SAFE_INTEGER, 1)).toThrow('past the largest seed');
});

test('failures that differ in numbers and ids only have one signature', () => {
  const seen = (text: string) =>
    signatureOf({
      verdict: 'violation',
      violations: [{ invariant: 'x', promise: '', expected: '', seen: text, atMicros: 0, nodes: [], event: 0 }],
    });
  expect(seen('token 7 on n1, n2 of ledger:l1')).toBe('x: token # on # of ledger:#');
  expect(seen('token 12 on n3 of ledger:l9')).toBe(seen('token 7 on n1, n2 of ledger:l1'));
  expect(seen('no token')).toBe('x: no token');
  expect(signatureOf({ verdict: 'crash', violations: [], reason: 'n1 crashed: TypeError: no such account\n  at line 1' })).toBe(
    'crash: # crashed: TypeError: no such account',
  );
  expect(signatureOf({ verdict: 'unknown', violations: [] })).toBe('unknown');
  expect(seen('a'.repeat(1_000)).length).toBe(160);
});
