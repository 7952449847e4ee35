/** Timers, channels and `performance` in adopt mode, all on the simulated monotonic clock. */
import os from 'node:os';
import timersPromises, { scheduler } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { OneProcessWorld, WALL_START_MICROS } from './one-process-world.js';

describe('timers in adopt mode', () => {
  it('fire in the order of their times, with their arguments, on the simulated clock', async () => {
    const world = new OneProcessWorld('adopt');
    const seen: unknown[] = [];
    await world.live(async () => {
      setTimeout((...args: unknown[]) => seen.push(['second', ...args, performance.now()]), 20, 'a', 'b');
      setTimeout(() => seen.push(['first', performance.now()]), 10.9);
      setTimeout(() => seen.push(['at least one millisecond', performance.now()]), 0);
      setTimeout(() => seen.push(['too long for a timer', performance.now()]), 2 ** 31);
      setImmediate((value) => seen.push([value, performance.now()]), 'immediate');
      const cleared = setTimeout(() => seen.push('never'), 5);
      clearTimeout(cleared);
      const byNumber = Number(setTimeout(() => seen.push('never'), 5));
      clearTimeout(byNumber);
      await new Promise((resolve) => setTimeout(resolve, 30));
    });
    expect(seen).toEqual([
      ['immediate', 0],
      ['at least one millisecond', 1],
      ['too long for a timer', 1],
      ['first', 10],
      ['second', 'a', 'b', 20],
    ]);
    expect(world.now).toBe(30_000);
    expect(world.pending).toBe(0);
  });

  it('repeat, refresh and close as in Node', async () => {
    const seen: unknown[] = [];
    await new OneProcessWorld('adopt').live(async () => {
      const interval = setInterval(function (this: unknown) {
        seen.push(['tick', performance.now(), this === interval]);
        if (performance.now() === 9) clearInterval(interval);
      }, 3);
      const late = setTimeout(() => seen.push(['late', performance.now()]), 4);
      setTimeout(() => late.refresh(), 2);
      const closed = setTimeout(() => seen.push('never'), 5);
      setTimeout(() => {
        closed.close();
        closed.refresh();
        expect(closed.unref().hasRef()).toBe(false);
        expect(closed.ref().hasRef()).toBe(true);
      }, 1);
      const again = setTimeout(() => seen.push(['again', performance.now()]), 1);
      setTimeout(() => again.refresh(), 11);
      await timersPromises.setTimeout(50);
    });
    expect(seen).toEqual([
      ['again', 1],
      ['tick', 3, true],
      ['late', 6],
      ['tick', 6, true],
      ['tick', 9, true],
      ['again', 12],
    ]);
  });

  it('resolve promises with their values, and reject when aborted', async () => {
    const seen = await new OneProcessWorld('adopt').live(async () => {
      const controller = new AbortController();
      const aborted = timersPromises.setTimeout(1000, 'never', { signal: controller.signal });
      const outcomes: unknown[] = [
        await timersPromises.setTimeout(5, 'value'),
        performance.now(),
        await timersPromises.setImmediate('now'),
      ];
      controller.abort('a reason');
      outcomes.push(await aborted.catch((error: Error & { code?: string }) => [error.name, error.code, error.cause]));
      outcomes.push(await timersPromises.setTimeout(1, 0, { signal: controller.signal }).catch((error: Error) => error.name));
      await scheduler.wait(5);
      await scheduler.yield();
      outcomes.push(performance.now());
      let ticks = 0;
      for await (const value of timersPromises.setInterval(10, 'tick')) {
        outcomes.push([value, performance.now()]);
        // Two intervals pass while the consumer is busy; both are owed.
        if (ticks++ === 0) await timersPromises.setTimeout(20);
        if (ticks === 3) break;
      }
      return outcomes;
    });
    expect(seen).toEqual([
      'value',
      5,
      'now',
      ['AbortError', 'ABORT_ERR', 'a reason'],
      'AbortError',
      10,
      ['tick', 20],
      ['tick', 40],
      ['tick', 40],
    ]);
  });

  it('leave nothing pending when an interval is left or aborted', async () => {
    const world = new OneProcessWorld('adopt');
    await world.live(async () => {
      const controller = new AbortController();
      const ticks = timersPromises.setInterval(10, 'tick', { signal: controller.signal });
      const first = await ticks[Symbol.asyncIterator]().next();
      expect(first.value).toBe('tick');
      const next = ticks[Symbol.asyncIterator]().next();
      controller.abort();
      await expect(next).rejects.toMatchObject({ name: 'AbortError' });
    });
    expect(world.pending).toBe(0);
  });

  it('abort a signal after its timeout', async () => {
    const seen = await new OneProcessWorld('adopt').live(async () => {
      const signal = AbortSignal.timeout(25);
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      return [performance.now(), signal.aborted, (signal.reason as DOMException).name];
    });
    expect(seen).toEqual([25, true, 'TimeoutError']);
  });

  it('deliver the messages of a channel as events of their own', async () => {
    const seen: unknown[] = [];
    await new OneProcessWorld('adopt').live(async () => {
      const { port1, port2 } = new MessageChannel();
      const message = { deep: [1, new Date(0)] };
      port1.postMessage(message);
      message.deep.push(2);
      port2.on('message', (value) => seen.push(value));
      await new Promise<void>((resolve) => {
        Object.assign(port1, {
          onmessage: (event: { data: unknown }) => {
            seen.push(event.data);
            resolve();
          },
        });
        port2.postMessage('back');
        seen.push('sent');
      });
      const closed = new Promise((resolve) => port2.once('close', resolve));
      port1.close();
      port2.postMessage('never');
      await closed;
      expect(() => port1.postMessage(() => 1)).toThrow(/could not be cloned/);
    });
    expect(seen).toEqual(['sent', { deep: [1, new Date(0)] }, 'back']);
  });
});

describe('performance in adopt mode', () => {
  it('keeps a timeline for each process, on the simulated clock', async () => {
    const run = () =>
      new OneProcessWorld('adopt').live(async () => {
        const origin = performance.timeOrigin;
        performance.mark('start', { detail: { a: 1 } });
        await timersPromises.setTimeout(7);
        performance.mark('end');
        performance.mark('placed', { startTime: 3 });
        const between = performance.measure('between', 'start', 'end');
        const open = performance.measure('open', { start: 'placed' });
        const whole = performance.measure('whole');
        expect(() => performance.measure('a', 'unknown')).toThrow(/has not been set/);
        const names = performance.getEntriesByType('mark').map((entry) => entry.name);
        performance.clearMarks('start');
        performance.clearMeasures();
        return [
          [origin, performance.timeOrigin, performance.now(), names],
          [between, open, whole].map(({ startTime, duration }) => [startTime, duration]),
          performance.getEntries().map((entry) => entry.name),
        ];
      });
    const origin = WALL_START_MICROS / 1000;
    const expected = [
      [origin, origin, 7, ['start', 'placed', 'end']],
      [
        [0, 7],
        [3, 4],
        [0, 7],
      ],
      ['placed', 'end'],
    ];
    expect(await run()).toEqual(expected);
    // A second run finds nothing of the first one, nor does the host.
    expect(await run()).toEqual(expected);
    expect(performance.getEntriesByName('placed')).toEqual([]);
  });

  it('gives hrtime as pairs, differences and nanoseconds', () => {
    const world = new OneProcessWorld('adopt');
    world.now = 3_000_250;
    const seen = world.guarded(() => [
      process.hrtime(),
      process.hrtime([1, 999_999_000]),
      process.hrtime.bigint(),
      process.uptime(),
      os.uptime(),
    ]);
    expect(seen).toEqual([[3, 250_000], [1, 251_000], 3_000_250_000n, 3.00025, 3.00025]);
    expect(() => new OneProcessWorld('adopt').guarded(() => process.hrtime([1] as unknown as [number, number]))).toThrow(RangeError);
  });
});
