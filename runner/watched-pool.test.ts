/** What a pool does with more orders than threads. The threads are stand-ins here; `storm.command.test.ts` has real ones. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { LOADING_MS_MAX, LOOKS } from './run-case.js';
import { Seat, type SeatBuffers } from './storm/seat.js';
import { WatchedPool } from './watched-pool.js';

interface Task {
  readonly seat: SeatBuffers;
  readonly signal: AbortSignal;
  answer(value: string): void;
}

const begun = vi.hoisted(() => [] as Task[]);

vi.mock('tinypool', () => ({
  Tinypool: class {
    on(): void {}
    destroy(): void {}
    run({ seat }: { readonly seat: SeatBuffers }, { signal }: { readonly signal: AbortSignal }): Promise<string> {
      return new Promise((answer, reject) => {
        signal.addEventListener('abort', () => reject(new Error('ended by the watchdog')));
        begun.push({ seat, signal, answer });
      });
    }
  },
}));

const WORKER = new URL('file:///worker.js');
const HANG_MS = 1_000;

beforeEach(() => {
  begun.length = 0;
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
});
afterEach(() => void vi.useRealTimers());

/** The first order is busy for so long, and tells its progress. */
async function busyFor(ms: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(0);
  const [first] = begun;
  if (first === undefined) throw new Error('no order has begun');
  const seat = new Seat(first.seat);
  seat.begin(0);
  for (let at = 0, events = 1; at < ms; at += HANG_MS / LOOKS, events++) {
    seat.progress.write(events, 0, '');
    await vi.advanceTimersByTimeAsync(HANG_MS / LOOKS);
  }
}

describe('a watched pool', () => {
  test('does not take an order that waits for a thread for one that hangs', async () => {
    const pool = new WatchedPool({ workers: 1, hangTimeoutMs: HANG_MS });
    const orders = [pool.run(WORKER, {}), pool.run(WORKER, {})];
    await busyFor(3 * LOADING_MS_MAX);
    expect(begun).toHaveLength(1);
    begun[0]?.answer('one');
    await vi.advanceTimersByTimeAsync(0);
    begun[1]?.answer('two');
    expect(await Promise.all(orders)).toEqual([
      { kind: 'answered', answer: 'one' },
      { kind: 'answered', answer: 'two' },
    ]);
  });

  test('ends an order that stands still, and gives its thread to the next', async () => {
    const pool = new WatchedPool({ workers: 1, hangTimeoutMs: HANG_MS });
    const orders = [pool.run(WORKER, {}), pool.run(WORKER, {})];
    await busyFor(2 * HANG_MS);
    await vi.advanceTimersByTimeAsync(2 * HANG_MS);
    expect(await orders[0]).toEqual({ kind: 'died', nth: 0 });
    await vi.advanceTimersByTimeAsync(0);
    begun[1]?.answer('two');
    expect(await orders[1]).toEqual({ kind: 'answered', answer: 'two' });
  });
});
