/** What every `Clock` must do, real or simulated. */
import { describe, expect, test } from 'vitest';
import type { Clock } from '../ports.js';

export interface ClockUnderTest {
  readonly clock: Clock;
  /** Runs the body to its end; a simulated clock is driven meanwhile. */
  run<T>(body: () => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export interface ClockContractOptions {
  make(): Promise<ClockUnderTest>;
}

const MILLI = 1_000;

export function clockContract(name: string, options: ClockContractOptions): void {
  const promise = (title: string, body: (clock: Clock) => Promise<void>): void => {
    test(title, async () => {
      const under = await options.make();
      try {
        await under.run(() => body(under.clock));
      } finally {
        await under.close();
      }
    });
  };

  describe(`${name} keeps the Clock contract`, () => {
    promise('both clocks count whole microseconds', async (clock) => {
      expect(Number.isSafeInteger(clock.wallMicros())).toBe(true);
      expect(Number.isSafeInteger(clock.monotonicMicros())).toBe(true);
    });

    promise('the monotonic clock never goes back', async (clock) => {
      let last = clock.monotonicMicros();
      for (let i = 0; i < 1_000; i++) {
        const now = clock.monotonicMicros();
        expect(now).toBeGreaterThanOrEqual(last);
        last = now;
        if (i % 100 === 0) await clock.sleep(1);
      }
    });

    promise('sleep is never shorter than asked', async (clock) => {
      for (const micros of [0, 1, 999, 1_000, 1_001, 2_500, 20_000]) {
        for (let i = 0; i < 5; i++) {
          const start = clock.monotonicMicros();
          await clock.sleep(micros);
          expect(clock.monotonicMicros() - start).toBeGreaterThanOrEqual(micros);
        }
      }
    });

    promise('sleeps overlap', async (clock) => {
      const start = clock.monotonicMicros();
      await Promise.all(Array.from({ length: 50 }, () => clock.sleep(50 * MILLI)));
      expect(clock.monotonicMicros() - start).toBeLessThan(1_000 * MILLI);
    });

    promise('a timer calls back once, not before its time', async (clock) => {
      const start = clock.monotonicMicros();
      const calls: number[] = [];
      clock.after(10 * MILLI, () => calls.push(clock.monotonicMicros() - start));
      await clock.sleep(60 * MILLI);
      expect(calls.length).toBe(1);
      expect(calls[0]).toBeGreaterThanOrEqual(10 * MILLI);
    });

    promise('timers far enough apart run in the order of their times', async (clock) => {
      const calls: number[] = [];
      for (const millis of [90, 30, 60]) clock.after(millis * MILLI, () => calls.push(millis));
      await clock.sleep(200 * MILLI);
      expect(calls).toEqual([30, 60, 90]);
    });

    promise('a cancelled timer never calls back, and cancelling twice or too late does nothing', async (clock) => {
      const calls: string[] = [];
      const cancelled = clock.after(10 * MILLI, () => calls.push('cancelled'));
      const late = clock.after(10 * MILLI, () => calls.push('late'));
      cancelled.cancel();
      cancelled.cancel();
      await clock.sleep(60 * MILLI);
      late.cancel();
      expect(calls).toEqual(['late']);
    });

    promise('a callback is never called inside `after`', async (clock) => {
      let called = false;
      clock.after(0, () => {
        called = true;
      });
      expect(called).toBe(false);
      await clock.sleep(20 * MILLI);
      expect(called).toBe(true);
    });
  });
}
