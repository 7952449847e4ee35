/** Every promise there is. A file that is missing here fails a test. */
import { callsAreAnswered } from './calls-are-answered.js';
import { conservation } from './conservation.js';
import { durableOnSuccess } from './durable-on-success.js';
import { failoverIsExecuted } from './failover-is-executed.js';
import type { Invariant } from './invariant.js';
import { noEffectOnFailure } from './no-effect-on-failure.js';
import { noZombieWrite } from './no-zombie-write.js';
import { pendingIsBounded } from './pending-is-bounded.js';
import { silentOwnersAreLeft } from './silent-owners-are-left.js';
import { singleActivation } from './single-activation.js';
import { stateConsistency } from './state-consistency.js';
import { stopsInTime } from './stops-in-time.js';
import { transactionAtomicity } from './transaction-atomicity.js';

export const invariants: readonly Invariant[] = [
  callsAreAnswered,
  conservation,
  durableOnSuccess,
  failoverIsExecuted,
  noEffectOnFailure,
  noZombieWrite,
  pendingIsBounded,
  silentOwnersAreLeft,
  singleActivation,
  stateConsistency,
  stopsInTime,
  transactionAtomicity,
];
