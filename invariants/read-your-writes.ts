/** An invocation sees its own writes: what it has written is not read from the store, and shows in its lists. */
import { inRange } from './bookkeeping/key-order.js';
import { TRANSACTION_TYPES, Transactions } from './bookkeeping/transactions.js';
import { breachAt, type Invariant, told } from './invariant.js';

export const readYourWrites: Invariant = {
  id: 'read-your-writes',
  promise: 'An invocation sees its own writes and deletes: in what it reads and in every list of keys.',
  kind: 'always',
  spec: 'KelpieFDBTransaction!ReadYourWrites',
  hears: TRANSACTION_TYPES,
  start() {
    const transactions = new Transactions();
    return {
      observe(event) {
        transactions.observe(event);
        const body = told(event);
        if (body.type === 'kv.read') {
          const { writes, cleared } = transactions.of(event, body.actor, body.token);
          if (!writes.has(body.key) && !cleared) return undefined;
          return breachAt(
            event,
            `${body.actor} sees what this invocation did to key ${body.key}`,
            'the key is read from the store, past its own write',
          );
        }
        if (body.type !== 'kv.list') return undefined;
        const { actor, token, begin, end, keys, limited } = body;
        const { writes } = transactions.of(event, actor, token);
        for (const [key, value] of writes) {
          if (!inRange(key, begin, end)) continue;
          const listed = keys.includes(key);
          if (value === null && listed)
            return breachAt(event, `key ${key} of ${actor}, which this invocation has deleted, is not listed`, 'it is listed');
          if (value !== null && !listed && !limited) {
            return breachAt(
              event,
              `key ${key} of ${actor}, which this invocation has written, is listed`,
              `${keys.length} keys are listed, it is not one of them`,
            );
          }
        }
        return undefined;
      },
    };
  },
};
