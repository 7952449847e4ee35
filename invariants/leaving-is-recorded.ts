/**
 * A node that stops in order takes itself off the list of those that actors are placed on. Placement, the balance of load and operators read
 * that list; calls that are sent to a node that is gone wait until it is suspected. Whoever is registered under its name next reads what it left.
 */
import { breachAt, type Invariant, told } from './invariant.js';

export const leavingIsRecorded: Invariant = {
  id: 'leaving-is-recorded',
  promise: 'A node that stops in order is listed as active no longer: the registry says that it has left, unless it could not be reached.',
  kind: 'always',
  hears: ['node.leave', 'node.register'],
  start() {
    /** The life of each node that said last that it has left, and that the registry knows. */
    const left = new Map<string, number>();
    return {
      observe(event) {
        const body = told(event);
        if (body.type === 'node.leave' && body.recorded === true) left.set(event.node, body.nodeLife);
        if (body.type !== 'node.register' || body.earlier !== 'active' || left.get(event.node) !== body.nodeLife - 1) return undefined;
        return breachAt(
          event,
          `life ${body.nodeLife - 1} of ${event.node}, which has stopped in order, is in the registry as one that left`,
          `the next life finds it ${body.earlier} there`,
        );
      },
    };
  },
};
