/**
 * No call is left without an answer. A node that has accepted a request answers it, once, unless it dies first; a client ends each of
 * its operations. A request that is open at the end must be younger than any deadline.
 */
import type { Micros } from '../src/ports.js';
import type { TraceEvent } from '../src/trace.js';
import { entryOf, lifeOf } from './bookkeeping/keyed.js';
import { endsLife, Settling, SETTLING_TYPES } from './bookkeeping/settling.js';
import { type Breach, breachAt, type Invariant, told } from './invariant.js';

/** Longer than any deadline, the time to settle a commit in doubt, and a forward. */
const ANSWERED_MICROS: Micros = 150_000_000;

export const everyCallAnswered: Invariant = {
  id: 'every-call-answered',
  promise:
    'No call is left without an answer: what a node accepts it answers once, unless it dies, and what a client asks comes to an end.',
  kind: 'always',
  hears: [
    'request.accept',
    'request.answer',
    'client.invoke',
    'client.answer',
    'op.invoke',
    'op.ok',
    'op.fail',
    'op.info',
    ...SETTLING_TYPES,
  ],
  start() {
    /** Open calls by life of a process; the same request may be accepted more than once. */
    const open = new Map<string, Map<string, TraceEvent[]>>();
    const settling = new Settling();
    const begin = (event: TraceEvent, what: string): undefined => {
      const calls = entryOf(open, lifeOf(event), () => new Map<string, TraceEvent[]>());
      entryOf(calls, what, () => []).push(event);
    };
    const end = (event: TraceEvent, what: string): Breach | undefined => {
      const calls = open.get(lifeOf(event));
      const waiting = calls?.get(what);
      if (waiting?.shift() === undefined)
        return breachAt(event, `${what} is answered once, after it was asked`, `${event.node} answers it once more`);
      if (waiting.length === 0) calls?.delete(what);
      return undefined;
    };
    return {
      observe(event) {
        settling.observe(event);
        const body = told(event);
        if (endsLife(body)) {
          open.delete(lifeOf(event));
          return undefined;
        }
        switch (body.type) {
          case 'request.accept':
            return begin(event, `request ${body.request} of ${body.actor}`);
          case 'request.answer':
            // That a node answers no call twice is judged elsewhere.
            end(event, `request ${body.request} of ${body.actor}`);
            return undefined;
          case 'client.invoke':
            return begin(event, `call ${body.request}`);
          case 'client.answer':
            return end(event, `call ${body.request}`);
          case 'op.invoke':
            return begin(event, `operation ${body.op}`);
          case 'op.ok':
          case 'op.fail':
          case 'op.info':
            return end(event, `operation ${body.op}`);
          default:
            return undefined;
        }
      },
      finish() {
        if (!settling.ended) return 'unknown';
        for (const calls of open.values()) {
          for (const [what, waiting] of calls) {
            for (const event of waiting) {
              const age = settling.atEnd(event.at);
              if (age >= ANSWERED_MICROS)
                return breachAt(event, `${what} is answered`, `it has had no answer for ${age} us since everything was healed`);
            }
          }
        }
        return undefined;
      },
    };
  },
};
