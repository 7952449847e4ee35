/** An activation that fails after its claim forgets to give it back: the node goes on renewing the lease of an actor it does not run. */
import { kelpieBug } from './bug.js';

export const claimLeak = kelpieBug({
  id: 'claim-leak',
  summary: 'a failed activation keeps its claim',
  spec: { module: 'KelpieSingleActivation', config: 'ClaimLeak' },
  parts: () => ({ giveBack: () => {} }),
});
