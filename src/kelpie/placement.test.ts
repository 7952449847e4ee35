import { describe, expect, test } from 'vitest';
import { randomOf } from '../sim/random.js';
import { actorRef } from './ids.js';
import { CountingAdmission, CountingIntake } from './intake.js';
import { Lane } from './lane.js';
import { type Candidate, placementStrategies } from './placement.js';
import { LatchedStopSignal } from './stop-signal.js';

const node = (name: string, count: number, capacity = 10): Candidate => ({ node: name, count, capacity });

function ask(strategy: keyof typeof placementStrategies, candidates: readonly Candidate[], turn = 0, seed = 1) {
  return placementStrategies[strategy]({ actor: actorRef('a', 'b'), self: 'n2', candidates, random: randomOf(seed), turn });
}

describe('placement', () => {
  test('least-loaded takes the emptiest, the first by name of several, and none that is full', () => {
    expect(ask('least-loaded', [node('n1', 5), node('n2', 3), node('n3', 4)])).toBe('n2');
    expect(ask('least-loaded', [node('n3', 3), node('n1', 5), node('n2', 3)])).toBe('n2');
    expect(ask('least-loaded', [node('n1', 1, 1), node('n2', 9, 10)])).toBe('n2');
    expect(ask('least-loaded', [node('n1', 1, 1)])).toBeUndefined();
  });

  test('affinity stays where the call came in, and goes to the emptiest when that is full or unknown', () => {
    expect(ask('affinity', [node('n1', 0), node('n2', 9)])).toBe('n2');
    expect(ask('affinity', [node('n1', 3), node('n2', 10), node('n3', 2)])).toBe('n3');
    expect(ask('affinity', [node('n1', 3)])).toBe('n1');
  });

  test('round-robin goes round those with room; random reaches all of them', () => {
    const candidates = [node('n1', 0), node('n2', 10), node('n3', 0)];
    expect([0, 1, 2, 3].map((turn) => ask('round-robin', candidates, turn))).toEqual(['n1', 'n3', 'n1', 'n3']);
    expect(ask('round-robin', [node('n2', 10)])).toBeUndefined();
    const drawn = new Set(Array.from({ length: 50 }, (_, seed) => ask('random', candidates, 0, seed)));
    expect(drawn).toEqual(new Set(['n1', 'n3']));
    expect(ask('random', [])).toBeUndefined();
  });
});

describe('intake', () => {
  test('counts, is full, and once closed lets nobody in and tells when the last has left', async () => {
    const intake = new CountingIntake(2);
    expect([intake.enter(0), intake.enter(0), intake.enter(0)]).toEqual(['in', 'in', 'full']);
    // Calls of another depth have places of their own.
    expect([intake.enter(1), intake.open]).toEqual(['in', 3]);
    intake.leave(1);
    let drained = false;
    const closing = intake.close().then(() => void (drained = true));
    expect(intake.enter(0)).toBe('closed');
    intake.leave(0);
    await Promise.resolve();
    expect(drained).toBe(false);
    intake.leave(0);
    await closing;
    expect([drained, intake.open]).toEqual([true, 0]);
    await intake.close();
  });

  test('admits so many for each actor, and forgets those that nobody calls', () => {
    const admission = new CountingAdmission(2);
    const [a, b] = [actorRef('x', 'a').key, actorRef('x', 'b').key];
    expect([admission.enter(a), admission.enter(a), admission.enter(a), admission.enter(b)]).toEqual([1, 2, undefined, 1]);
    admission.leave(a);
    expect(admission.enter(a)).toBe(2);
  });
});

test('a stop signal is not lost when nobody waits yet', async () => {
  const signal = new LatchedStopSignal();
  const early = signal.wait();
  signal.raise();
  await early;
  await signal.wait();
  expect(signal.raised).toBe(true);
});

test('a lane runs tasks one by one, in order, also after one that fails', async () => {
  const lane = new Lane();
  const seen: string[] = [];
  const task = (name: string, fails = false) =>
    lane.run(async () => {
      seen.push(`${name} begins`);
      await Promise.resolve();
      seen.push(`${name} ends`);
      if (fails) throw new Error(name);
      return name;
    });
  const results = await Promise.allSettled([task('a'), task('b', true), task('c')]);
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(seen).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
});
