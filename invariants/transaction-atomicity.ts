/**
 * What an invocation wrote is in the store whole or not at all. Every read from the store must fit a content that whole commits may
 * have left; a value that fits none was written by half a commit, or by no commit.
 */
import { CONTENT_TYPES, StoreContents } from './bookkeeping/store-contents.js';
import { breachAt, type Invariant } from './invariant.js';

const shown = (value: number | null): string => (value === null ? 'nothing stored' : `checksum ${value}`);

export const transactionAtomicity: Invariant = {
  id: 'transaction-atomicity',
  promise: 'State and keys of an actor change together: what an invocation wrote is in the store whole, or none of it is.',
  kind: 'always',
  spec: 'KelpieActorState!TransactionAtomicity',
  hears: CONTENT_TYPES,
  start() {
    const store = new StoreContents();
    return {
      observe(event) {
        const reading = store.observe(event);
        if (reading === undefined) return undefined;
        const { actor, what, seen, valueOf } = reading;
        if (store.narrow(actor, (content) => valueOf(content) === seen)) return undefined;
        const expected = [...new Set(store.contents(actor)?.map((content) => shown(valueOf(content))))].join(' or ');
        return breachAt(event, `${what}, as whole commits left it: ${expected}`, shown(seen));
      },
      finish: () => (store.incomplete ? 'unknown' : undefined),
    };
  },
};
