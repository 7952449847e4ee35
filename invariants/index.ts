/** Every promise there is. A file that is missing here fails a test. */
import { conservation } from './conservation.js';
import { durableOnSuccess } from './durable-on-success.js';
import type { Invariant } from './invariant.js';
import { noEffectOnFailure } from './no-effect-on-failure.js';
import { noZombieWrite } from './no-zombie-write.js';
import { singleActivation } from './single-activation.js';
import { stateConsistency } from './state-consistency.js';
import { transactionAtomicity } from './transaction-atomicity.js';

export const invariants: readonly Invariant[] = [
  conservation,
  durableOnSuccess,
  noEffectOnFailure,
  noZombieWrite,
  singleActivation,
  stateConsistency,
  transactionAtomicity,
];
