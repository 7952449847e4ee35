/** After a rollback memory is what was committed last: of a failed invocation nothing is left. */
import { within } from './bookkeeping/keyed.js';
import { breachAt, type Invariant, told } from './invariant.js';

interface Memory {
  committed: number | null;
  /** What the commits under way would leave. */
  readonly pending: Map<string, number | null>;
}

const shown = (state: number | null): string =>
  state === null ? 'no state' : state < 0 ? 'a state that cannot be stored' : `a state with checksum ${state}`;

export const rollbackCorrectness: Invariant = {
  id: 'rollback-correctness',
  promise: 'When an invocation fails, the state in memory is what it was before: what was committed last.',
  kind: 'always',
  spec: 'KelpieActorState!RollbackCorrectness',
  hears: ['activate.load', 'commit.start', 'commit.done', 'rollback'],
  start() {
    const memories = new Map<string, Memory>();
    return {
      observe(event) {
        const body = told(event);
        switch (body.type) {
          case 'activate.load':
            memories.set(within(event, body.actor, body.token), { committed: body.state, pending: new Map() });
            return undefined;
          case 'commit.start':
            if (body.state !== null || body.stateDeleted) {
              memories.get(within(event, body.actor, body.token))?.pending.set(body.commit, body.state);
            }
            return undefined;
          case 'commit.done': {
            const memory = memories.get(within(event, body.actor, body.token));
            const state = memory?.pending.get(body.commit);
            if (memory !== undefined && state !== undefined) memory.committed = state;
            memory?.pending.clear();
            return undefined;
          }
          case 'rollback': {
            const memory = memories.get(within(event, body.actor, body.token));
            if (memory === undefined || body.state === undefined || memory.committed === body.state) return undefined;
            return breachAt(
              event,
              `after a rollback (${body.reason}) ${body.actor} has in memory what was committed last: ${shown(memory.committed)}`,
              shown(body.state),
            );
          }
          default:
            return undefined;
        }
      },
    };
  },
};
