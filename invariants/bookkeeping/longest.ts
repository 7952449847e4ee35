/** How long things take at most in any scenario. What a scenario does not draw is taken to be as long. */
import type { Micros } from '../../src/ports.js';

const SECOND: Micros = 1_000_000;

export const LONGEST = {
  leaseMicros: 15 * SECOND,
  leaseRenewMicros: SECOND,
  leaseGraceMicros: SECOND,
  leaseSkewMicros: SECOND,
  heartbeatMicros: SECOND,
  heartbeatsMissedFailed: 5,
  forwardMicros: 5 * SECOND,
  storeMicros: 5 * SECOND,
} as const;
