/** How long to wait before the same thing is tried again. */
import type { Micros, Random } from '../ports.js';

const PAUSE_MICROS_MIN: Micros = 10_000;
const PAUSE_MICROS_MAX: Micros = 1_000_000;

/** Doubles with every try up to one second; half of it is chance, so that those who failed together do not come back together. */
export function pauseMicros(tries: number, random: Random): Micros {
  const full = Math.min(PAUSE_MICROS_MAX, PAUSE_MICROS_MIN * 2 ** Math.min(tries, 10));
  return Math.floor(full / 2) + random.int(Math.ceil(full / 2));
}
