/** The watchdog of a seat: nothing inside a thread can end a loop that never returns. */
import { LOADING_MS_MAX, LOOKS } from '../run-case.js';
import type { Seat } from './seat.js';

/** Looks at a seat again and again; calls `stuck` when nothing has moved for `hangTimeoutMs`, or its worker has left. */
export function watchSeat(seat: Seat, hangTimeoutMs: number, stuck: () => void): { end(): void } {
  let last = seat.read();
  let movedMs = performance.now();
  const looking = setInterval(() => {
    const now = performance.now();
    const seen = seat.read();
    if (seen.nth !== last.nth || seen.events !== last.events) movedMs = now;
    last = seen;
    const boundMs = seen.nth < 0 ? Math.max(hangTimeoutMs, LOADING_MS_MAX) : hangTimeoutMs;
    if (seen.exited || now - movedMs >= boundMs) stuck();
  }, hangTimeoutMs / LOOKS);
  return { end: () => clearInterval(looking) };
}
