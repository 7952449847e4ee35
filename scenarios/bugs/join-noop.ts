/** Joining walks the list of seed nodes and asks none of them. */
import type { AskSeeds } from '../../src/kelpie/membership/membership-parts.js';
import { kelpieBug } from './bug.js';

const askNobody: AskSeeds = async (_runtime, _rpc, seeds, stopped) => {
  for (const _seed of seeds) if (stopped()) break;
  return undefined;
};

export const joinNoop = kelpieBug({
  id: 'join-noop',
  summary: 'joining walks the seed list and does nothing',
  parts: () => ({ askSeeds: askNobody }),
});
