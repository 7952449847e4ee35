/** An election counts its votes in one transaction and writes term and primary in a second one, which does not look again. */
import { countVotes, type ElectPrimary } from '../../src/kelpie/membership/changes.js';
import { changeView, currentView } from '../../src/kelpie/membership/members.js';
import { kelpieBug } from './bug.js';

const electInTwoSteps: ElectPrimary = async (runtime, change, candidacy) => {
  const votes = countVotes(runtime, await currentView(runtime), candidacy);
  if (votes === undefined) return undefined;
  const { node, life, teller } = runtime;
  const term = candidacy.term + 1;
  const { version } = await changeView(runtime, `election of ${node}`, change, () => ({ primary: { node, life, term } }));
  teller.tell({ type: 'primary.elect', term, nodeLife: life, ...votes, version });
  return term;
};

export const splitElection = kelpieBug({
  id: 'split-election',
  summary: 'an election reads and writes in two transactions',
  spec: { module: 'KelpieClusterMembership', config: 'SplitElectionTransaction' },
  parts: () => ({ electPrimary: electInTwoSteps }),
});
