/**
 * A node has no more actors than its capacity. Its own count must say so at each claim, and so must the actors themselves: leases
 * that are renewed in one transaction are all held at that version.
 */
import type { TraceEvent } from '../src/trace.js';
import { type Breach, breachAt, type Invariant, told } from './invariant.js';

interface Renewed {
  version: number;
  readonly actors: Set<string>;
}

export const capacityBounds: Invariant = {
  id: 'capacity-bounds',
  promise: 'No node is given more actors than its capacity, however many claims are made at once.',
  kind: 'always',
  spec: 'KelpieRegistry!CapacityBounds',
  hears: ['node.register', 'claim.commit', 'lease.renew'],
  start() {
    const capacities = new Map<string, number>();
    const renewed = new Map<string, Renewed>();
    const bounded = (event: TraceEvent, held: number, capacity: number): Breach | undefined =>
      held <= capacity ? undefined : breachAt(event, `${event.node} has at most ${capacity} actors`, `it has ${held}`);
    return {
      observe(event) {
        const body = told(event);
        const { node } = event;
        switch (body.type) {
          case 'node.register':
            capacities.set(node, body.capacity);
            renewed.delete(node);
            return undefined;
          case 'claim.commit':
            return bounded(event, body.count, body.capacity);
          case 'lease.renew': {
            const capacity = capacities.get(node);
            let batch = renewed.get(node);
            if (batch?.version !== body.version) {
              batch = { version: body.version, actors: new Set() };
              renewed.set(node, batch);
            }
            batch.actors.add(body.actor);
            return capacity === undefined ? undefined : bounded(event, batch.actors.size, capacity);
          }
          default:
            return undefined;
        }
      },
    };
  },
};
