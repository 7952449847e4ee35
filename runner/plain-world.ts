/** The world without chance: every message takes as long as any other, none is lost, and time has no grid. */
import type { Micros } from '../src/ports.js';
import type { NetworkShape } from '../src/run.js';

export const PLAIN_NETWORK: NetworkShape = {
  latencyMicrosMin: 1_000,
  latencyMicrosMax: 1_000,
  jitterMicros: 0,
  tailOneIn: 0,
  tailMicros: 0,
  bytesPerSecond: 0,
};

export const PLAIN_QUANTUM_MICROS: Micros = 1;

export const isPlainNetwork = (network: NetworkShape): boolean => JSON.stringify(network) === JSON.stringify(PLAIN_NETWORK);
