/**
 * A mark tells the truth: an operation is marked complete when it has been done, and marked once. A step that is marked complete and
 * only then asks its peer for the first time was marked before it was done.
 */
import { within } from './bookkeeping/keyed.js';
import { breachAt, type Invariant, told } from './invariant.js';

interface Step {
  readonly actor: string;
  asked: boolean;
  marked: 'complete' | 'failed' | undefined;
  /** It was taken up by a replay, or by a node that took the agent over, which may find it done or in other hands. */
  elsewhere: boolean;
}

export const statusConsistency: Invariant = {
  id: 'status-consistency',
  promise: 'The log tells the truth about an operation: complete is what was done, never what is still to be done.',
  kind: 'always',
  spec: 'KelpieWAL!StatusConsistency',
  hears: ['wal.append', 'wal.replay', 'wal.end', 'drive.takeover', 'peer.call'],
  start() {
    /** By node, life and key: what this life has appended. */
    const steps = new Map<string, Step>();
    return {
      observe(event) {
        const body = told(event);
        switch (body.type) {
          case 'wal.append':
            steps.set(within(event, body.key), {
              actor: `agents:${body.key.split('/')[0]}`,
              asked: false,
              marked: undefined,
              elsewhere: false,
            });
            return undefined;
          case 'wal.replay': {
            const step = steps.get(within(event, body.key));
            if (step !== undefined) step.elsewhere = true;
            return undefined;
          }
          case 'drive.takeover':
            for (const [place, step] of steps) if (place.startsWith(within(event)) && step.actor === body.actor) step.elsewhere = true;
            return undefined;
          case 'wal.end': {
            const step = steps.get(within(event, body.key));
            if (step === undefined) return undefined;
            const before = step.marked;
            step.marked = body.status;
            if (before === undefined || before === body.status) return undefined;
            return breachAt(event, `entry ${body.id} (${body.key}) of ${event.node} is ${before} for good`, `it is marked ${body.status}`);
          }
          case 'peer.call': {
            const step = steps.get(within(event, body.key));
            if (step === undefined || step.asked) return undefined;
            step.asked = true;
            if (step.marked !== 'complete' || step.elsewhere) return undefined;
            return breachAt(
              event,
              `step ${body.key} is marked complete after it was done`,
              `${event.node} asks ${body.service} for the first time after the mark`,
            );
          }
          default:
            return undefined;
        }
      },
    };
  },
};
