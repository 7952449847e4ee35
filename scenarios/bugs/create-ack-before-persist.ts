/** The create of an agent is answered as soon as its commit is under way: what stops the commit then, the caller never learns. */
import { kelpieBug } from './bug.js';
import { answeredEarly } from './early-answer.js';

export const createAckBeforePersist = kelpieBug({
  id: 'create-ack-before-persist',
  summary: 'the create of an agent is answered before it is durable',
  spec: { module: 'KelpieAgentService', config: 'AckBeforePersist' },
  parts: ({ commit }) => ({ commit: answeredEarly(commit, 'create') }),
});
