/** All that one invocation reads is of one moment: a key that is read twice has one value, and lists and reads agree. */
import { inRange } from './bookkeeping/key-order.js';
import { TRANSACTION_TYPES, Transactions } from './bookkeeping/transactions.js';
import { breachAt, type Invariant, told } from './invariant.js';

const shown = (value: number | null): string => (value === null ? 'nothing' : `checksum ${value}`);

export const snapshotReads: Invariant = {
  id: 'snapshot-reads',
  promise: 'All that an invocation reads from the store is of one moment: reading a key again, or listing it, shows the same.',
  kind: 'always',
  spec: 'KelpieFDBTransaction!SnapshotReads',
  hears: TRANSACTION_TYPES,
  start() {
    const transactions = new Transactions();
    return {
      observe(event) {
        transactions.observe(event);
        const body = told(event);
        if (body.type === 'kv.read') {
          const { reads } = transactions.of(event, body.actor, body.token);
          const before = reads.get(body.key);
          reads.set(body.key, body.value);
          if (before === undefined || before === body.value) return undefined;
          return breachAt(event, `key ${body.key} of ${body.actor} reads ${shown(before)} again in this invocation`, shown(body.value));
        }
        if (body.type !== 'kv.list' || body.limited) return undefined;
        const { actor, token, begin, end, keys } = body;
        const { reads, writes, cleared } = transactions.of(event, actor, token);
        for (const [key, value] of reads) {
          if (cleared || writes.has(key) || !inRange(key, begin, end) || keys.includes(key) === (value !== null)) continue;
          return breachAt(
            event,
            `a list of ${actor} agrees with the read of key ${key} in this invocation: ${shown(value)}`,
            value === null ? 'it is listed' : 'it is not listed',
          );
        }
        return undefined;
      },
    };
  },
};
