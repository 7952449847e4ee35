/**
 * A claim looks whether the actor is free in one transaction and takes it in a second one, which does not look again
 * (`TryClaimActor_Racy`). Two nodes that looked at the same time both take it.
 */
import { type ClaimActor, readClaim, tellClaimed, writeClaim } from '../../src/kelpie/registry.js';
import { inTransaction } from '../../src/kelpie/store.js';
import { kelpieBug } from './bug.js';

const claimWithoutLooking: ClaimActor = async (runtime, request) => {
  const startMicros = runtime.parts.leaseTerm.now(runtime.platform.clock);
  const what = `claim of ${request.actor.key}`;
  const { value: step } = await inTransaction(runtime, what, (transaction) => readClaim(runtime, transaction, request));
  switch (step.decision) {
    case 'existing':
      return { kind: 'existing', owner: step.at };
    case 'elsewhere':
      return { kind: 'elsewhere', node: step.at };
    case 'no-capacity':
      return { kind: 'no-capacity' };
    default: {
      const { value, version } = await inTransaction(runtime, what, async (transaction) =>
        writeClaim(runtime, transaction, request, step, startMicros),
      );
      tellClaimed(runtime, request, value.held, step, value.count, version);
      return { kind: 'held', held: value.held };
    }
  }
};

export const racyClaim = kelpieBug({
  id: 'racy-claim',
  summary: 'a claim checks in one transaction and writes in a second one',
  spec: { module: 'KelpieSingleActivation', config: 'RacyClaim' },
  parts: () => ({ claim: claimWithoutLooking }),
});
