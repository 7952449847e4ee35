/**
 * A node that is told to stop ends by itself. Service managers wait for a bounded time and kill what has not ended then; only a process
 * that was asleep meanwhile has an excuse.
 */
import type { NodeId } from '../src/ports.js';
import type { TraceEvent } from '../src/trace.js';
import { type Breach, breachAt, type Fold, type Invariant, told } from './invariant.js';

/** What the machine says when it has waited long enough. */
const OVERDUE = 'did not stop within its bound';

class StopsInTimeFold implements Fold {
  /** Lives that were told to stop, and whether they have been asleep since. */
  readonly #stopping = new Map<NodeId, { slept: boolean }>();
  readonly #asleep = new Set<NodeId>();

  observe(event: TraceEvent): Breach | undefined {
    const body = told(event);
    const { node } = event;
    switch (body.type) {
      case 'boot':
      case 'exit':
        this.#stopping.delete(node);
        this.#asleep.delete(node);
        return undefined;
      case 'stop':
        this.#stopping.set(node, { slept: this.#asleep.has(node) });
        return undefined;
      case 'pause': {
        this.#asleep.add(node);
        const stopping = this.#stopping.get(node);
        if (stopping !== undefined) stopping.slept = true;
        return undefined;
      }
      case 'resume':
        this.#asleep.delete(node);
        return undefined;
      case 'kill': {
        const stopping = this.#stopping.get(node);
        this.#stopping.delete(node);
        this.#asleep.delete(node);
        if (body.reason !== OVERDUE || stopping === undefined || stopping.slept) return undefined;
        return breachAt(
          event,
          `${node}, which was told to stop and was awake all the time, ends by itself`,
          `it ${OVERDUE} and was killed`,
        );
      }
      default:
        return undefined;
    }
  }
}

export const stopsInTime: Invariant = {
  id: 'stops-in-time',
  promise: 'A node that is told to stop does so by itself, whenever it is told and whatever it is doing then.',
  kind: 'always',
  hears: ['boot', 'exit', 'stop', 'pause', 'resume', 'kill'],
  start: () => new StopsInTimeFold(),
};
