/**
 * A claim looks for room on the node in a transaction of its own, and claims of a node do not wait for each other
 * (`RegisterActor_Racy`): two that looked together both take the last place.
 */
import type { ClaimActor, ClaimResult } from '../../src/kelpie/registry.js';
import { readClaim, readNode, tellClaimed, writeClaim } from '../../src/kelpie/registry.js';
import { inTransaction } from '../../src/kelpie/store.js';
import { kelpieBug } from './bug.js';

const lookingForRoomFirst =
  (claim: ClaimActor): ClaimActor =>
  async (runtime, request) => {
    const { value: node } = await inTransaction(runtime, `room for ${request.actor.key}`, (transaction) =>
      readNode(transaction, runtime.node),
    );
    if (node === undefined || node.count >= node.capacity) return claim(runtime, request);
    const startMicros = runtime.parts.leaseTerm.now(runtime.platform.clock);
    const { value, version } = await inTransaction(runtime, `claim of ${request.actor.key}`, async (transaction) => {
      const step = await readClaim(runtime, transaction, request);
      // There was room a moment ago.
      const free = step.decision === 'new' || step.decision === 'no-capacity';
      return free ? { step, ...writeClaim(runtime, transaction, request, step, startMicros) } : undefined;
    });
    if (value === undefined) return claim(runtime, request);
    tellClaimed(runtime, request, value.held, value.step, value.count, version);
    return { kind: 'held', held: value.held } satisfies ClaimResult;
  };

export const racyRegister = kelpieBug({
  id: 'racy-register',
  summary: 'two claims pass the capacity check together',
  spec: { module: 'KelpieRegistry', config: 'RacyRegister' },
  parts: ({ claim }) => ({ claim: lookingForRoomFirst(claim), registryLane: () => ({ run: (task) => task() }) }),
});
