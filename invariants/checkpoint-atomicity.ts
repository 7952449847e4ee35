/** A checkpoint that was saved is found whole after every crash, or told damaged: nobody restores an older one in silence. */
import { DISK_TYPES, DiskTrust } from '../src/disk-trust.js';
import { breachAt, type Invariant, told } from './invariant.js';

export const checkpointAtomicity: Invariant = {
  id: 'checkpoint-atomicity',
  promise:
    'A checkpoint becomes visible in one step, with all that its sequence says: after a crash the newest that was saved is restored.',
  kind: 'always',
  spec: 'KelpieCheckpoint!CheckpointAtomicity',
  hears: ['checkpoint.save', 'checkpoint.restore', 'checkpoint.damaged', ...DISK_TYPES],
  start() {
    const trust = new DiskTrust();
    const saved = new Map<string, number>();
    return {
      observe(event) {
        trust.observe(event);
        const body = told(event);
        if (body.type === 'checkpoint.save') saved.set(event.node, Math.max(body.sequence, saved.get(event.node) ?? 0));
        if (body.type === 'checkpoint.damaged') {
          if (!trust.trusts(event.node)) return undefined;
          return breachAt(event, `checkpoint ${body.sequence} of ${event.node}, whose disk is sound, is whole`, 'it is damaged');
        }
        if (body.type !== 'checkpoint.restore' || !trust.trusts(event.node)) return undefined;
        const newest = saved.get(event.node) ?? 0;
        if (body.sequence >= newest) return undefined;
        return breachAt(
          event,
          `${event.node} restores checkpoint ${newest}, the newest that was saved, or a later one`,
          `it restores ${body.sequence}`,
        );
      },
    };
  },
};
