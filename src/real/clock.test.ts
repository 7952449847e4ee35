import { describe, expect, test } from 'vitest';
import { clockContract } from '../contract/clock-contract.js';
import { RealClock } from './clock.js';

clockContract('the host’s clock', {
  make: async () => ({ clock: new RealClock(), run: (body) => body(), close: async () => undefined }),
});

describe('the host’s clock', () => {
  test('refuses times that are none', () => {
    const clock = new RealClock();
    for (const micros of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => clock.after(micros, () => undefined), String(micros)).toThrow(RangeError);
    }
  });

  test('a timer beyond the range of Node’s own does not fire at once', async () => {
    const clock = new RealClock();
    let fired = false;
    const timer = clock.after(40 * 24 * 3_600 * 1_000_000, () => {
      fired = true;
    });
    await clock.sleep(20_000);
    timer.cancel();
    expect(fired).toBe(false);
  });

  test('wall time is the host’s', () => {
    expect(Math.abs(new RealClock().wallMicros() - Date.now() * 1_000)).toBeLessThan(1_000_000);
  });
});
