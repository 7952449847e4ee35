/**
 * Nodes go on without a journal that cannot be used, so a log that refuses everything, or a checkpoint that is never saved, costs its users
 * time and nothing that they could point to. Where no fault has touched anything, there is no reason for that.
 */
import { Calm, CALM_TYPES } from './bookkeeping/calm.js';
import { breachAt, type Invariant, told } from './invariant.js';

export const untouchedJournalsAreUsable: Invariant = {
  id: 'untouched-journals-are-usable',
  promise: 'The log and the checkpoint of a node take what they are given: only a fault is a reason to go on without them.',
  kind: 'always',
  hears: [...CALM_TYPES, 'journal.unusable'],
  start() {
    const calm = new Calm();
    return {
      observe(event) {
        calm.observe(event);
        const body = told(event);
        if (body.type !== 'journal.unusable' || !calm.isUntouched) return undefined;
        return breachAt(event, `the ${body.what} of ${event.node}, which no fault has touched, is used`, `it fails with ${body.code}`);
      },
    };
  },
};
