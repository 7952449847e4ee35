/** The delete of an agent is answered as soon as its commit is under way: what stops the commit then, the caller never learns. */
import { kelpieBug } from './bug.js';
import { answeredEarly } from './early-answer.js';

export const deleteAckBeforePersist = kelpieBug({
  id: 'delete-ack-before-persist',
  summary: 'the delete of an agent is answered before it is durable',
  spec: { module: 'KelpieAgentService', config: 'AckBeforePersist' },
  parts: ({ commit }) => ({ commit: answeredEarly(commit, 'delete') }),
});
