/**
 * Checkpoints beside a log leave nothing out: the sequence goes on by one from what was restored, but where one could not be saved, which
 * is told. Where a program keeps checkpoints alone it counts as it likes.
 */
import { lifeOf } from './bookkeeping/keyed.js';
import { breachAt, type Invariant, told } from './invariant.js';

export const sequenceGapFree: Invariant = {
  id: 'sequence-gap-free',
  promise: 'Checkpoints follow each other without a gap: each goes on where the last one, or the one that was restored, has ended.',
  kind: 'always',
  spec: 'KelpieCheckpoint!SequenceGapFree',
  hears: ['wal.recover', 'checkpoint.save', 'checkpoint.restore', 'journal.unusable'],
  start() {
    /** Where each life has come to. */
    const last = new Map<string, number>();
    /** Lives that have a log. */
    const logged = new Set<string>();
    return {
      observe(event) {
        const body = told(event);
        const life = lifeOf(event);
        const before = last.get(life) ?? 0;
        switch (body.type) {
          case 'wal.recover':
            logged.add(life);
            return undefined;
          case 'checkpoint.restore':
            last.set(life, body.sequence);
            return undefined;
          case 'journal.unusable':
            // This one could not be saved, and counts.
            if (body.what === 'checkpoint') last.set(life, before + 1);
            return undefined;
          case 'checkpoint.save':
            last.set(life, body.sequence);
            if (body.sequence === before + 1 || !logged.has(life)) return undefined;
            return breachAt(event, `the next checkpoint of ${life} is ${before + 1}`, `it is ${body.sequence}`);
          default:
            return undefined;
        }
      },
    };
  },
};
