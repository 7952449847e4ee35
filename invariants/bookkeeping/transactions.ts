/** What the running code of an actor has read and written so far, in one transaction: from the start of an invocation to its end, or to the next try. */
import type { TraceEvent } from '../../src/trace.js';
import { type Told, told } from '../invariant.js';
import { entryOf, within } from './keyed.js';

export interface Transaction {
  /** Values by key, as first read from the store. */
  readonly reads: Map<string, number | null>;
  readonly writes: Map<string, number | null>;
  cleared: boolean;
}

/** What begins and ends transactions, and all that is done in them. */
export const TRANSACTION_TYPES = [
  'deactivate.start',
  'invoke.start',
  'invoke.end',
  'rollback',
  'kv.write',
  'kv.clear',
  'kv.read',
  'kv.list',
] as const satisfies readonly Told['type'][];

export class Transactions {
  readonly #open = new Map<string, Transaction>();

  /** The transaction that a read under this token belongs to. */
  of(event: TraceEvent, actor: string, token: number): Transaction {
    return entryOf(this.#open, within(event, actor, token), () => ({ reads: new Map(), writes: new Map(), cleared: false }));
  }

  /** Takes in what begins and ends transactions, and what is written in them. What reads must have shown is for the promises to say. */
  observe(event: TraceEvent): void {
    const body = told(event);
    switch (body.type) {
      case 'invoke.start':
      case 'invoke.end':
      case 'deactivate.start':
      case 'rollback':
        this.#open.delete(within(event, body.actor, body.token));
        return;
      case 'kv.write':
        this.of(event, body.actor, body.token).writes.set(body.key, body.value);
        return;
      case 'kv.clear': {
        const transaction = this.of(event, body.actor, body.token);
        transaction.writes.clear();
        transaction.cleared = true;
        return;
      }
      default:
        return;
    }
  }
}
