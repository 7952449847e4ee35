/**
 * What an actor answers without writing anything, it answers from memory, and memory is worth no more than the lease: once that may have run
 * out, another node may have changed the actor. So such an answer leaves only while the lease is good on the clock of its node, however long
 * the code took and whether or not a timer has told. An answer with a commit needs no lease: the commit was fenced.
 */
import { breachAt, type Invariant, told } from './invariant.js';

export const answersUnderLease: Invariant = {
  id: 'answers-under-lease',
  promise: 'A node answers from memory only while it may serve the actor: what was read under a lease that is over is told to nobody.',
  kind: 'always',
  hears: ['invoke.end'],
  start: () => ({
    observe(event) {
      const body = told(event);
      if (body.type !== 'invoke.end' || body.outcome !== 'ok' || body.leftMicros === undefined || body.leftMicros > 0) return undefined;
      return breachAt(
        event,
        `${event.node} answers ${body.request} from what ${body.actor} has in memory before its lease of token ${body.token} is over`,
        `it was over for ${Math.abs(body.leftMicros)} us, and the answer is given`,
      );
    },
  }),
};
