/** The sequence of checkpoints has no gap but where one could not be saved, which is told: it goes on by one from what was restored. */
import { lifeOf } from './bookkeeping/keyed.js';
import { breachAt, type Invariant, told } from './invariant.js';

export const sequenceGapFree: Invariant = {
  id: 'sequence-gap-free',
  promise: 'Checkpoints follow each other without a gap: each goes on where the last one, or the one that was restored, has ended.',
  kind: 'always',
  spec: 'KelpieCheckpoint!SequenceGapFree',
  hears: ['checkpoint.save', 'checkpoint.restore', 'journal.unusable'],
  start() {
    /** Where each life has come to. */
    const last = new Map<string, number>();
    return {
      observe(event) {
        const body = told(event);
        const life = lifeOf(event);
        const before = last.get(life) ?? 0;
        switch (body.type) {
          case 'checkpoint.restore':
            last.set(life, body.sequence);
            return undefined;
          case 'journal.unusable':
            // This one could not be saved, and counts.
            if (body.what === 'checkpoint') last.set(life, before + 1);
            return undefined;
          case 'checkpoint.save':
            last.set(life, body.sequence);
            if (body.sequence === before + 1) return undefined;
            return breachAt(event, `the next checkpoint of ${life} is ${before + 1}`, `it is ${body.sequence}`);
          default:
            return undefined;
        }
      },
    };
  },
};
