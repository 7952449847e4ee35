/** A node that stops in order lets nothing more in, from the moment at which it says so: whoever comes later is told to ask another one. */
import { lifeOf } from './bookkeeping/keyed.js';
import { breachAt, type Invariant, told } from './invariant.js';

export const closedIntake: Invariant = {
  id: 'closed-intake',
  promise: 'A node that has begun to shut down accepts no more calls: each is refused at once, so that its caller can ask another node.',
  kind: 'always',
  hears: ['node.stop', 'request.accept'],
  start() {
    /** Lives that have begun to stop. */
    const stopping = new Set<string>();
    return {
      observe(event) {
        const body = told(event);
        if (body.type === 'node.stop') stopping.add(lifeOf(event));
        if (body.type !== 'request.accept' || !stopping.has(lifeOf(event))) return undefined;
        return breachAt(event, `${event.node}, which is shutting down, refuses ${body.request}`, `it accepts it for ${body.actor}`);
      },
    };
  },
};
