/**
 * No effect is seen of an operation that a crash could still undo: a peer is asked under the key of a step only when the step is
 * durable in the log of this node, unless the log has been told unusable.
 */
import { WAL_TYPES, WalLogs } from './bookkeeping/wal-log.js';
import { lifeOf } from './bookkeeping/keyed.js';
import { breachAt, type Invariant, told } from './invariant.js';

export const atomicVisibility: Invariant = {
  id: 'atomic-visibility',
  promise: 'No step of an agent reaches a peer before it is durable in the log, so that no crash makes it as if it had never been begun.',
  kind: 'always',
  spec: 'KelpieWAL!AtomicVisibility',
  hears: [...WAL_TYPES, 'journal.unusable', 'peer.call'],
  start() {
    const logs = new WalLogs();
    /** Lives whose log is open and was never told unusable. */
    const journaled = new Set<string>();
    return {
      observe(event) {
        logs.before(event);
        logs.take(event);
        const body = told(event);
        if (body.type === 'wal.recover') journaled.add(lifeOf(event));
        if (body.type === 'journal.unusable' && body.what === 'journal') journaled.delete(lifeOf(event));
        if (body.type !== 'peer.call' || !journaled.has(lifeOf(event))) return undefined;
        const { entries, untold } = logs.of(event.node);
        if (untold || [...entries.values()].some(({ key }) => key === body.key)) return undefined;
        return breachAt(
          event,
          `${event.node} asks ${body.service} under key ${body.key} when its log has that durably`,
          'the log has no entry of that key',
        );
      },
    };
  },
};
