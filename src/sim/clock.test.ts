import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NodeClock, WALL_EPOCH_MICROS } from './clock.js';

const change = fc.record({
  after: fc.nat(10_000_000),
  kind: fc.constantFrom('jump', 'drift', 'freeze', 'thaw'),
  amount: fc.integer({ min: -500_000, max: 500_000 }),
});

describe('clocks of a machine', () => {
  it('show true time on a healthy machine', () => {
    const clock = new NodeClock(5_000);
    expect(clock.monotonicMicros(0)).toBe(5_000);
    expect(clock.monotonicMicros(1_234)).toBe(6_234);
    expect(clock.wallMicros(1_234)).toBe(WALL_EPOCH_MICROS + 1_234);
    expect(clock.trueMicrosFor(77)).toBe(77);
  });

  it('the monotonic clock never goes back, whatever is done to the clocks', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 30 }), (changes) => {
        const clock = new NodeClock(0);
        let now = 0;
        let last = clock.monotonicMicros(0);
        for (const { after, kind, amount } of changes) {
          now += after;
          if (kind === 'jump') clock.jumpWall(now, amount);
          else if (kind === 'drift') clock.setDrift(now, amount);
          else clock.setWallFrozen(now, kind === 'freeze');
          const shown = clock.monotonicMicros(now);
          expect(shown).toBeGreaterThanOrEqual(last);
          last = shown;
        }
      }),
    );
  });

  it('drift both clocks by parts per million', () => {
    const clock = new NodeClock(0);
    clock.setDrift(1_000_000, 100);
    expect(clock.monotonicMicros(11_000_000)).toBe(11_001_000);
    expect(clock.wallMicros(11_000_000)).toBe(WALL_EPOCH_MICROS + 11_001_000);
    clock.setDrift(11_000_000, -100);
    expect(clock.monotonicMicros(21_000_000)).toBe(21_000_000);
  });

  it('wait long enough for any drift: that much true time shows at least that much local time', () => {
    fc.assert(
      fc.property(fc.integer({ min: -300_000, max: 300_000 }), fc.nat(1e12), fc.nat(1e9), (drift, now, micros) => {
        const clock = new NodeClock(0);
        clock.setDrift(0, drift);
        const before = clock.monotonicMicros(now);
        const wait = clock.trueMicrosFor(micros);
        // One microsecond may be lost to rounding at the start of the wait.
        expect(clock.monotonicMicros(now + wait) - before).toBeGreaterThanOrEqual(micros - 1);
      }),
    );
  });

  it('a frozen wall clock stands still and then goes on from where it stood, the monotonic clock goes on', () => {
    const clock = new NodeClock(0);
    clock.setWallFrozen(1_000, true);
    expect(clock.wallMicros(9_000)).toBe(WALL_EPOCH_MICROS + 1_000);
    expect(clock.monotonicMicros(9_000)).toBe(9_000);
    clock.setWallFrozen(9_000, false);
    expect(clock.wallMicros(10_000)).toBe(WALL_EPOCH_MICROS + 2_000);
  });

  it('a jump moves the wall clock alone', () => {
    const clock = new NodeClock(0);
    clock.jumpWall(1_000, -500);
    expect(clock.wallMicros(1_000)).toBe(WALL_EPOCH_MICROS + 500);
    expect(clock.monotonicMicros(1_000)).toBe(1_000);
  });
});
