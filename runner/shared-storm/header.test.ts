import { expect, test } from 'vitest';
import type { Plan } from '../storm/plan.js';
import { differenceOf, headerIn, headerOf, KEPT_DAYS } from './header.js';

const plan: Plan = { scenarios: ['bank'], profile: 'swarm', bug: null, from: 0, seeds: 20, shard: { index: 1, of: 1 } };
const code = { release: '1.2.3', digest: '00112233aabbccdd' };
const header = headerOf({ plan, batch: 8, code, begunBy: 'east.7', nowSeconds: 1_000 });

test('is read back as it was written, and what is none is told apart', () => {
  expect(headerIn(JSON.stringify(header))).toEqual(header);
  expect(header.expiresAt).toBe(1_000 + KEPT_DAYS * 86_400);
  for (const text of ['', 'hello', '{}', JSON.stringify({ ...header, version: 2 }), JSON.stringify({ ...header, more: 1 })])
    expect(headerIn(text)).toBeUndefined();
});

test('names the first thing that differs, there and here', () => {
  expect(differenceOf(header, plan, code)).toBeUndefined();
  expect(differenceOf(header, { ...plan, seeds: 21 }, { ...code, release: '2.0.0' })).toMatchObject({
    name: 'seeds',
    there: '20',
    here: '21',
  });
  expect(differenceOf(header, { ...plan, scenarios: ['bank', 'kv'] }, code)).toMatchObject({ name: 'scenarios', here: '["bank","kv"]' });
  expect(differenceOf(header, plan, { ...code, release: '2.0.0' })).toMatchObject({ name: 'version', there: '1.2.3', here: '2.0.0' });
  expect(differenceOf(header, plan, { ...code, digest: 'ffffffffffffffff' })).toMatchObject({ name: 'code', here: 'ffffffffffffffff' });
});
