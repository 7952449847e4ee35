/** A migration asks its target to start on the source's word, before the source has stopped and before placement has moved. */
import type { Migrate } from '../../src/kelpie/migration/migration-parts.js';
import { KelpieError } from '../../src/kelpie/errors.js';
import { type ClaimActor, readClaim } from '../../src/kelpie/registry.js';
import { placementRecord } from '../../src/kelpie/records.js';
import { inTransaction } from '../../src/kelpie/store.js';
import { kelpieBug } from './bug.js';

const startEarly: Migrate = async (steps) => {
  const order = ['prepare', 'transfer', 'start', 'stop', 'move'] as const;
  for (const step of order) {
    try {
      await steps[step]();
    } catch (error) {
      if (step !== 'start') steps.abort(step, KelpieError.from(error));
      throw error;
    }
  }
  steps.redirect();
};

/** Who was handed an actor over does not look into the registry: it will be there soon. */
const trustingTheSource =
  (claim: ClaimActor): ClaimActor =>
  async (runtime, request) => {
    const { startMicros, actor, keys } = request;
    if (startMicros === undefined) return claim(runtime, request);
    const { value: step } = await inTransaction(runtime, `hand-over of ${actor.key}`, (transaction) =>
      readClaim(runtime, transaction, request),
    );
    if (step.decision !== 'existing') return claim(runtime, request);
    const { node, life, parts, config } = runtime;
    const token = (step.lease?.token ?? 0) + 1;
    const placement = placementRecord.encode({ node, life, claim: request.claim, generation: token });
    const untilMicros = parts.leaseTerm.until(startMicros, config);
    return { kind: 'held', held: { actor, keys, claim: request.claim, token, placement, untilMicros } };
  };

export const activateBeforeMove = kelpieBug({
  id: 'activate-before-move',
  summary: 'a migration starts the target before placement has moved',
  spec: { module: 'KelpieMigration', config: 'ActivateBeforeMove' },
  parts: ({ claim }) => ({ migrate: startEarly, claim: trustingTheSource(claim) }),
});
