/** A candidate needs nobody but itself, so that each side of a partition elects a primary. */
import { kelpieBug } from './bug.js';

export const quorumlessElection = kelpieBug({
  id: 'quorumless-election',
  summary: 'a minority elects a primary',
  spec: { module: 'KelpieClusterMembership', config: 'ElectWithoutQuorum' },
  parts: () => ({ hasMajority: (reached) => reached > 0 }),
});
