/**
 * Writes wait in the buffer only during the invocation that makes them. A commit writes what its own invocation has written, no more
 * and no less, and nobody writes while no code of the actor runs. (Code runs from the start of an invocation to its end, and as a
 * hook while the actor comes up or goes.)
 */
import { actorOf, entryOf, within } from './bookkeeping/keyed.js';
import { breachAt, type Invariant, told } from './invariant.js';

interface Activation {
  /** What runs: an invocation, or perhaps a hook. */
  runs: 'invocation' | 'hook' | 'nothing';
  /** A hook runs again when the invocation has ended. */
  deactivating: boolean;
  readonly written: Set<string>;
}

export const bufferEmptyWhenIdle: Invariant = {
  id: 'buffer-empty-when-idle',
  promise: 'Nothing waits in the buffer of an actor between its invocations: each commit writes what its own invocation has written.',
  kind: 'always',
  spec: 'KelpieActorState!BufferEmptyWhenIdle',
  hears: [
    'activate.load',
    'activate.done',
    'deactivate.start',
    'deactivate.done',
    'invoke.start',
    'invoke.end',
    'kv.write',
    'kv.clear',
    'rollback',
    'commit.start',
  ],
  start() {
    const activations = new Map<string, Activation>();
    /** The token under which each actor is active in each life of a node. */
    const tokens = new Map<string, number>();
    return {
      observe(event) {
        const body = told(event);
        const actor = actorOf(body);
        if (actor === undefined) return undefined;
        if (body.type === 'activate.load') tokens.set(within(event, body.actor), body.token);
        const token = 'token' in body && typeof body.token === 'number' ? body.token : tokens.get(within(event, actor));
        if (token === undefined) return undefined;
        const activation = entryOf(activations, within(event, actor, token), () => ({
          runs: 'hook' as const,
          deactivating: false,
          written: new Set<string>(),
        }));
        const begin = (runs: Activation['runs']): undefined => {
          activation.runs = runs;
          activation.written.clear();
        };
        switch (body.type) {
          case 'activate.load':
            return begin('hook');
          case 'activate.done':
          case 'deactivate.done':
            return begin('nothing');
          case 'invoke.start':
            return begin('invocation');
          case 'deactivate.start':
            activation.deactivating = true;
            return activation.runs === 'nothing' ? begin('hook') : undefined;
          case 'invoke.end':
            return begin(activation.deactivating ? 'hook' : 'nothing');
          case 'rollback':
            activation.written.clear();
            return undefined;
          case 'kv.clear':
          case 'kv.write':
            if (activation.runs === 'nothing') {
              return breachAt(event, `nothing of ${body.actor} is written while no code of it runs`, `${event.node} buffers a write`);
            }
            if (body.type === 'kv.clear') activation.written.clear();
            else activation.written.add(body.key);
            return undefined;
          case 'commit.start': {
            const { written } = activation;
            const writes = new Set(body.writes);
            const extra = body.writes.filter((key) => !written.has(key));
            const missing = [...written].filter((key) => !writes.has(key));
            if (extra.length + missing.length === 0) return undefined;
            return breachAt(
              event,
              `commit ${body.commit} of ${body.actor} writes the ${written.size} keys that its invocation has written`,
              `of others it writes ${extra.slice(0, 5).join(', ') || 'none'}, and it leaves out ${missing.slice(0, 5).join(', ') || 'none'}`,
            );
          }
          default:
            return undefined;
        }
      },
    };
  },
};
