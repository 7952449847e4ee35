/** The network without chance: every message takes as long as any other, and none is lost. */
import type { NetworkShape } from '../src/run.js';

export const PLAIN_NETWORK: NetworkShape = {
  latencyMicrosMin: 1_000,
  latencyMicrosMax: 1_000,
  jitterMicros: 0,
  tailOneIn: 0,
  tailMicros: 0,
  bytesPerSecond: 0,
};
