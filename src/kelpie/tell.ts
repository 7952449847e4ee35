/** The typed way to the tracer port: only members of Kelpie's story can be told, only its counters counted. */
import type { Tracer } from '../ports.js';
import type { KelpieEvent } from '../story.js';

/** Counters for metrics. `pending` goes up and down; all others only grow. */
export type KelpieCounter =
  | 'activations'
  | 'activations.failed'
  | 'deactivations'
  | 'invocations'
  | 'invocations.failed'
  | 'pending'
  | 'requests.refused'
  | 'requests.duplicate'
  | 'forwards'
  | 'forwards.failed'
  | 'calls'
  | 'commits'
  | 'commits.conflict'
  | 'commits.unknown'
  | 'commits.fenced'
  | 'claims'
  | 'claims.lost'
  | 'releases'
  | 'releases.retried'
  | 'lease.renewals'
  | 'lease.renewals.failed'
  | 'leases.lost'
  | 'failovers'
  | 'migrations'
  | 'migrations.aborted'
  | 'rpc.sent'
  | 'rpc.received'
  | 'rpc.dropped'
  | 'rpc.timeouts';

export class Teller {
  readonly #tracer: Tracer;

  constructor(tracer: Tracer) {
    this.#tracer = tracer;
  }

  tell(event: KelpieEvent): void {
    this.#tracer.emit(event);
  }

  count(name: KelpieCounter, amount = 1): void {
    this.#tracer.count(name, amount);
  }
}
