/**
 * What a refusal says about the system that refuses, code by code. `passing`: whoever asks again later may be served, so it is no answer
 * for ever where nothing goes wrong. `final`: it is about the request, and no repetition helps; it is an answer only to a request that
 * gives cause for it. A code that is not here is another program's, and is nobody's to judge.
 */

export interface Refusal {
  readonly kind: 'passing' | 'final';
  /** What must be the case where it is given rightly. */
  readonly cause: string;
}

export const REFUSALS: ReadonlyMap<string, Refusal> = new Map(
  Object.entries({
    'transaction-conflict': { kind: 'passing', cause: 'others commit to the same keys, each time a moment sooner' },
    'commit-unknown': { kind: 'passing', cause: 'the database has not said whether it committed' },
    'node-unavailable': { kind: 'passing', cause: 'a node is starting, gone, or does not answer' },
    'store-unavailable': { kind: 'passing', cause: 'a disk or the database cannot be used' },
    timeout: { kind: 'passing', cause: 'an answer is under way for longer than its caller waits' },
    'not-owner': { kind: 'passing', cause: 'the actor is changing its place' },
    'lease-lost': { kind: 'passing', cause: 'a node could not renew its lease in time' },
    overloaded: { kind: 'passing', cause: 'as much is under way as may be, and some of it has to end first' },
    'actor-deactivated': { kind: 'passing', cause: 'the actor is going to sleep' },
    'shutting-down': { kind: 'passing', cause: 'a node is stopping' },
    'actor-error': { kind: 'final', cause: "the actor's own code throws" },
    'not-found': { kind: 'final', cause: 'what is asked for is not there' },
    'already-exists': { kind: 'final', cause: 'what is to be made is there' },
    'idempotency-mismatch': { kind: 'final', cause: 'its key stands for another request' },
    'in-progress': { kind: 'final', cause: 'the request of its key is under way' },
    'invalid-argument': { kind: 'final', cause: 'an argument is wrong, or more is asked for than there is' },
    reentrant: { kind: 'final', cause: 'the chain of calls comes back to an actor that waits in it' },
    'too-large': { kind: 'final', cause: 'it is beyond a limit by itself' },
    corrupted: { kind: 'final', cause: 'what is stored has been damaged' },
  }),
);
