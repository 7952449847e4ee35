import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Clock, Micros } from '../ports.js';
import { type Deadline, DEADLINE_GRAIN_MICROS, Deadlines } from './deadlines.js';

/** A clock that fires its timers as it is moved on, and counts how many are pending. */
class StepClock implements Clock {
  now = 0;
  readonly timers = new Map<object, { at: Micros; callback: () => void }>();

  monotonicMicros(): Micros {
    return this.now;
  }
  wallMicros(): Micros {
    throw new Error('deadlines are no matter of wall clocks');
  }
  sleep(): Promise<void> {
    throw new Error('deadlines do not sleep');
  }
  after(micros: Micros, callback: () => void): { cancel(): void } {
    const timer = {};
    this.timers.set(timer, { at: this.now + micros, callback });
    return { cancel: () => void this.timers.delete(timer) };
  }
  moveTo(time: Micros): void {
    for (;;) {
      const [first] = [...this.timers].filter(([, { at }]) => at <= time).sort(([, a], [, b]) => a.at - b.at);
      if (first === undefined) break;
      this.timers.delete(first[0]);
      this.now = Math.max(this.now, first[1].at);
      first[1].callback();
    }
    this.now = time;
  }
}

describe('deadlines', () => {
  test('are told once, not early, at most one grain late, and never when cleared', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('set' as const), after: fc.nat(300_000) }),
      fc.record({ kind: fc.constant('clear' as const), which: fc.nat(50) }),
      fc.record({ kind: fc.constant('move' as const), by: fc.nat(100_000) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const clock = new StepClock();
        const deadlines = new Deadlines(clock);
        const set: { at: Micros; deadline: Deadline; told: Micros[]; cleared: boolean }[] = [];
        for (const one of steps) {
          if (one.kind === 'set') {
            const entry = { at: clock.now + one.after, told: [] as Micros[], cleared: false };
            const deadline = deadlines.at(entry.at, () => void entry.told.push(clock.now));
            set.push(Object.assign(entry, { deadline }));
          } else if (one.kind === 'move') clock.moveTo(clock.now + one.by);
          else {
            const entry = set[one.which % Math.max(1, set.length)];
            if (entry === undefined || entry.told.length > 0) continue;
            entry.deadline.clear();
            entry.cleared = true;
          }
          expect(clock.timers.size).toBeLessThanOrEqual(1);
        }
        clock.moveTo(clock.now + 1_000_000);
        for (const { at, told, cleared } of set) {
          if (cleared) {
            expect(told).toEqual([]);
            continue;
          }
          expect(told).toHaveLength(1);
          expect(told[0]).toBeGreaterThanOrEqual(at);
          expect(told[0]).toBeLessThan(at + DEADLINE_GRAIN_MICROS);
        }
        expect(deadlines.size).toBe(0);
        expect(clock.timers.size).toBe(0);
      }),
    );
  });

  test('reached together are told in the order in which they were set; one may clear the next', () => {
    const clock = new StepClock();
    const deadlines = new Deadlines(clock);
    const told: string[] = [];
    deadlines.at(20_000, () => void told.push('late'));
    deadlines.at(5_000, () => {
      told.push('a');
      second.clear();
      deadlines.at(clock.now, () => void told.push('again'));
    });
    const second = deadlines.at(4_000, () => void told.push('b'));
    deadlines.at(3_000, () => void told.push('c'));
    clock.moveTo(15_000);
    expect(told).toEqual(['a', 'c', 'again']);
    clock.moveTo(30_000);
    expect(told).toEqual(['a', 'c', 'again', 'late']);
  });

  test('are silent once closed', () => {
    const clock = new StepClock();
    const deadlines = new Deadlines(clock);
    deadlines.at(1_000, () => expect.unreachable());
    deadlines.close();
    deadlines.at(1_000, () => expect.unreachable());
    clock.moveTo(100_000);
    expect(clock.timers.size).toBe(0);
  });
});
