/** A customer of the bank: performs operations through a Kelpie client and tells their history. */
import type { ClientCallOptions, KelpieClient } from '../src/kelpie/client.js';
import type { Json } from '../src/kelpie/json.js';
import type { Micros } from '../src/ports.js';
import type { Operation } from '../src/run.js';
import { courier, ledger, type LedgerAudit, type Move, type Transfer } from './bank.js';
import { type Asked, type History, type Outcome, PATIENCE_MICROS } from './history.js';
import type { Worker } from './kelpie-scenario.js';

/** What a drawn operation has beside client and time. */
export type BankOperation = Operation & { readonly op: string; readonly deadlineMicros: Micros } & (
    | { readonly kind: 'move'; readonly ledger: string; readonly from: string; readonly to: string; readonly amount: number }
    | ({ readonly kind: 'transfer' } & Transfer)
    /** A transfer whose customer does not put up with not knowing: the same request is sent again. */
    | ({ readonly kind: 'insist' } & Transfer)
    | { readonly kind: 'balance'; readonly ledger: string; readonly account: string }
    | { readonly kind: 'audit'; readonly ledger: string }
  );

/** How often a customer who insists sends the same request. */
const INSISTENCE = 3;

export class BankClient implements Worker<BankOperation> {
  readonly #client: KelpieClient;
  readonly #history: History;

  constructor(client: KelpieClient, history: History) {
    this.#client = client;
    this.#history = history;
  }

  /** Performs one drawn operation; whatever comes of it is told, and never thrown. */
  async perform(operation: BankOperation): Promise<void> {
    const { op, deadlineMicros } = operation;
    switch (operation.kind) {
      case 'move': {
        const { from, to, amount } = operation;
        return this.#move(operation.ledger, { op, from, to, amount }, deadlineMicros);
      }
      case 'transfer':
      case 'insist': {
        const { account, toLedger, toAccount, amount } = operation;
        const transfer: Transfer = { op, ledger: operation.ledger, account, toLedger, toAccount, amount };
        return this.#transfer(transfer, () =>
          operation.kind === 'transfer' ? this.#carry(transfer, { deadlineMicros }) : this.#insist(transfer, deadlineMicros),
        );
      }
      case 'balance': {
        const args = { account: operation.account };
        const asked = { op, kind: 'balance', args: { ledger: operation.ledger, ...args } };
        await this.#history.tell(asked, () => this.#client.invoke(ledger(operation.ledger), 'balance', args, { deadlineMicros }));
        return;
      }
      case 'audit':
        await this.#history.tell(askedForAudit(op, operation.ledger), () => this.#audit(operation.ledger, deadlineMicros));
        return;
    }
  }

  /** Opens a ledger, however long it takes. */
  async open(name: string, accounts: Readonly<Record<string, number>>): Promise<void> {
    await this.#history.untilDone<Json>(
      (op) => ({ op, kind: 'open', args: { ledger: name, accounts } }),
      (op) => this.#client.invoke(ledger(name), 'open', { op, accounts }, { deadlineMicros: PATIENCE_MICROS }),
    );
  }

  /**
   * Moves nothing, within the first of these ledgers and from there to the second one: as much work as to move something, and there is
   * always enough for it.
   */
  async workOn([one, other]: readonly string[], [from, to]: readonly string[]): Promise<void> {
    if (one === undefined || from === undefined || to === undefined) return;
    const move: Move = { op: this.#history.nextName(), from, to, amount: 0 };
    const moved = this.#move(one, move, PATIENCE_MICROS);
    if (other !== undefined) {
      const op = this.#history.nextName();
      const transfer: Transfer = { op, ledger: one, account: from, toLedger: other, toAccount: to, amount: 0 };
      await this.#transfer(transfer, () => this.#carry(transfer, { deadlineMicros: PATIENCE_MICROS }));
    }
    await moved;
  }

  /** Brings every transfer that is on its way from this ledger to its end, however long it takes. */
  async carryOn(name: string): Promise<void> {
    for (;;) {
      const { transfers } = await this.auditUntilAnswered(name);
      if (transfers.length === 0) return;
      for (const transfer of transfers) {
        const asked = { op: this.#history.nextName(), kind: 'carry on', args: transfer };
        await this.#history.tell(asked, () => this.#carry(transfer, { deadlineMicros: PATIENCE_MICROS }));
      }
    }
  }

  auditUntilAnswered(name: string): Promise<LedgerAudit> {
    return this.#history.untilDone(
      (op) => askedForAudit(op, name),
      () => this.#audit(name, PATIENCE_MICROS),
    );
  }

  async #move(name: string, move: Move, deadlineMicros: Micros): Promise<void> {
    const asked = { op: move.op, kind: 'move', args: { ledger: name, ...move }, writes: [name], ...overdraft(move.amount) };
    await this.#history.tell(asked, () => this.#client.invoke(ledger(name), 'move', move, { deadlineMicros }));
  }

  async #transfer(transfer: Transfer, carry: () => Promise<Outcome<Json>>): Promise<void> {
    const { op, ledger: from, toLedger, amount } = transfer;
    await this.#history.tell({ op, kind: 'transfer', args: transfer, writes: [from, toLedger], ...overdraft(amount) }, carry);
  }

  /** A ledger answers nothing else. */
  #audit(name: string, deadlineMicros: Micros): Promise<Outcome<LedgerAudit>> {
    return this.#client.invoke(ledger(name), 'audit', { ledger: name }, { deadlineMicros }) as Promise<Outcome<LedgerAudit>>;
  }

  /** A later failure is no news: the first request may still be under way. */
  async #insist(transfer: Transfer, deadlineMicros: Micros): Promise<Outcome<Json>> {
    const options = { deadlineMicros, requestId: transfer.op };
    const first = await this.#carry(transfer, options);
    for (let times = 1; first.kind === 'unknown' && times < INSISTENCE; times++) {
      const again = await this.#carry(transfer, options);
      if (again.kind === 'ok') return again;
    }
    return first;
  }

  /** A courier commits in three steps, so that only the refusal of the first says that nothing was done. */
  async #carry(transfer: Transfer, options: ClientCallOptions): Promise<Outcome<Json>> {
    const answer = await this.#client.invoke(courier(transfer), 'carry', transfer, options);
    if (answer.kind !== 'error' || answer.error.code === 'invalid-argument') return answer;
    return { kind: 'unknown', error: answer.error };
  }
}

/** There may be less than is asked for, unless that is nothing. */
const overdraft = (amount: number): Pick<Asked<Json>, 'refusals'> => (amount > 0 ? { refusals: ['invalid-argument'] } : {});

const askedForAudit = (op: string, name: string): Asked<LedgerAudit> => ({
  op,
  kind: 'audit',
  args: { ledger: name },
  shows: ({ marks }) => ({ target: name, marks }),
});
