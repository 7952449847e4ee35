/**
 * The store has what the last commit wrote and nothing of an invocation that has not committed. Lists show it best: a list names every
 * key that whole commits have left, with what its own invocation has written over them, and no other.
 */
import { inRange } from './bookkeeping/key-order.js';
import { CONTENT_TYPES, overlaid, StoreContents } from './bookkeeping/store-contents.js';
import { breachAt, type Invariant, told } from './invariant.js';

export const noPartialState: Invariant = {
  id: 'no-partial-state',
  promise: 'A list shows every key that commits have left and nothing of an invocation that has not committed, but its own.',
  kind: 'always',
  spec: 'KelpieActorState!NoPartialState',
  hears: [...CONTENT_TYPES, 'kv.list'],
  start() {
    const store = new StoreContents();
    return {
      observe(event) {
        const body = told(event);
        const reading = store.observe(event);
        // A read that fits nothing is told by another promise; from then on nothing is known of the actor here either.
        if (reading !== undefined) store.narrow(reading.actor, (content) => reading.valueOf(content) === reading.seen);
        if (body.type !== 'kv.list' || !store.current(body.actor, body.token)) return undefined;
        const { actor, token, begin, end, keys: listed, limited } = body;
        const buffer = store.buffer(actor, token);
        const expect = (stored: ReadonlyMap<string, unknown>): string[] => [...stored.keys()].filter((key) => inRange(key, begin, end));
        const names = new Set(listed);
        const agrees = store.narrow(actor, (content) => {
          const expected = expect(overlaid(content.keys, buffer));
          return limited
            ? listed.every((key) => expected.includes(key))
            : expected.length === names.size && expected.every((key) => names.has(key));
        });
        if (agrees) return undefined;
        const [content] = store.contents(actor) ?? [];
        const expected = expect(overlaid(content?.keys ?? new Map(), buffer));
        const missing = limited ? [] : expected.filter((key) => !names.has(key));
        const extra = listed.filter((key) => !expected.includes(key));
        return breachAt(
          event,
          `a list of ${actor} from '${begin}' shows what commits and this invocation left: ${expected.length} keys`,
          `it shows ${listed.length}; missing: ${missing.slice(0, 5).join(', ') || 'none'}; too many: ${extra.slice(0, 5).join(', ') || 'none'}`,
        );
      },
      finish: () => (store.incomplete ? 'unknown' : undefined),
    };
  },
};
