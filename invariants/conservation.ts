/**
 * Money is neither made nor lost. An audit is one answer of a ledger with everything it holds: accounts, what is on its way to other
 * ledgers, and a receipt of every change. Each audit must add up in itself, and the last ones, with nothing under way, to what was
 * paid in when the ledgers were opened.
 */
import type { TraceValue } from '../src/ports.js';
import type { TraceEvent } from '../src/trace.js';
import { type Breach, breachAt, type Fold, type Invariant, told } from './invariant.js';

/** What `audit` answers. */
export type Audit = {
  readonly ledger: string;
  readonly total: number;
  readonly opened: Readonly<Record<string, number>>;
  readonly balances: Readonly<Record<string, number>>;
  /** Amounts taken from an account here and not yet known to have arrived elsewhere, by transfer. */
  readonly inFlight: Readonly<Record<string, number>>;
  readonly receipts: readonly { readonly account: string; readonly amount: number }[];
};

const sum = (amounts: readonly number[]): number => amounts.reduce((total, amount) => total + amount, 0);
const sumOf = (amounts: Readonly<Record<string, number>>): number => sum(Object.values(amounts));

function isAudit(result: TraceValue): result is TraceValue & Audit {
  return (
    typeof result === 'object' &&
    result !== null &&
    ['ledger', 'total', 'opened', 'balances', 'inFlight', 'receipts'].every((name) => name in result)
  );
}

class ConservationFold implements Fold {
  readonly #kinds = new Map<string, string>();
  /** The latest audit of each ledger since reading back began. */
  readonly #final = new Map<string, { readonly audit: Audit; readonly event: TraceEvent }>();
  readonly #ledgers = new Set<string>();
  #verifying = false;

  observe(event: TraceEvent): Breach | undefined {
    const body = told(event);
    if (body.type === 'phase' && body.phase === 'verify') this.#verifying = true;
    if (body.type === 'op.invoke') this.#kinds.set(body.op, body.kind);
    if (body.type !== 'op.ok' || this.#kinds.get(body.op) !== 'audit' || !isAudit(body.result)) return undefined;
    const audit = body.result;
    this.#ledgers.add(audit.ledger);
    if (this.#verifying) this.#final.set(audit.ledger, { audit, event });
    return addsUp(event, audit);
  }

  finish(): Breach | 'unknown' | undefined {
    const finals = [...this.#final.values()];
    const last = finals.at(-1);
    if (last === undefined || this.#final.size < this.#ledgers.size) return 'unknown';
    if (finals.some(({ audit }) => Object.keys(audit.inFlight).length > 0)) return 'unknown';
    const opened = sum(finals.map(({ audit }) => sumOf(audit.opened)));
    const held = sum(finals.map(({ audit }) => audit.total));
    if (opened === held) return undefined;
    const each = finals.map(({ audit }) => `${audit.ledger} ${audit.total}`).join(', ');
    return breachAt(last.event, `the ledgers hold the ${opened} they were opened with, together`, `they hold ${held}: ${each}`);
  }
}

/** Total, accounts and receipts of one answer agree. */
function addsUp(event: TraceEvent, audit: Audit): Breach | undefined {
  const held = sumOf(audit.balances) + sumOf(audit.inFlight);
  if (held !== audit.total) {
    const expected = `accounts and transfers under way of ${audit.ledger} add up to its total of ${audit.total}`;
    return breachAt(event, expected, `they add up to ${held}`);
  }
  for (const [account, balance] of Object.entries(audit.balances)) {
    const changes = sum(audit.receipts.filter((receipt) => receipt.account === account).map(({ amount }) => amount));
    const explained = (audit.opened[account] ?? 0) + changes;
    if (balance === explained) continue;
    return breachAt(event, `account ${account} of ${audit.ledger} holds ${explained}: its opening and its receipts`, `it holds ${balance}`);
  }
  return undefined;
}

export const conservation: Invariant = {
  id: 'conservation',
  promise: 'Money is neither made nor lost: every ledger adds up at every moment, and all of them together at the end.',
  kind: 'always',
  hears: ['phase', 'op.invoke', 'op.ok'],
  start: () => new ConservationFold(),
};
