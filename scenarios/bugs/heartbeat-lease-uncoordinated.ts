/** Failure detection does not wait for leases: actors of a member that answers no heartbeats are freed while it holds them and serves. */
import { kelpieBug } from './bug.js';

export const heartbeatLeaseUncoordinated = kelpieBug({
  id: 'heartbeat-lease-uncoordinated',
  summary: 'actors of a node that misses heartbeats are freed while it keeps its leases and serves',
  spec: { module: 'KelpieLease', config: 'SplitRenewal' },
  parts: () => ({ mayReplace: () => 0 }),
});
