/** A node that runs has in its state all that it has saved: what it saves is newer than every checkpoint it has saved before, in any life. */
import { DISK_TYPES, DiskTrust } from '../src/disk-trust.js';
import { breachAt, type Invariant, told } from './invariant.js';

export const checkpointStateConsistency: Invariant = {
  id: 'checkpoint-state-consistency',
  promise: 'A node goes on from what it has saved: no checkpoint is written again with an older state, before or after a crash.',
  kind: 'always',
  spec: 'KelpieCheckpoint!StateConsistency',
  hears: ['checkpoint.save', ...DISK_TYPES],
  start() {
    const trust = new DiskTrust();
    const saved = new Map<string, number>();
    return {
      observe(event) {
        trust.observe(event);
        const body = told(event);
        if (body.type !== 'checkpoint.save') return undefined;
        const newest = saved.get(event.node) ?? 0;
        saved.set(event.node, Math.max(newest, body.sequence));
        if (body.sequence > newest || !trust.trusts(event.node)) return undefined;
        return breachAt(event, `${event.node} saves a checkpoint above ${newest}, which it has saved before`, `it saves ${body.sequence}`);
      },
    };
  },
};
