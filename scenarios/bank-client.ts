/** A customer of the bank: performs operations through a Kelpie client and tells their history. */
import { KelpieClient } from '../src/kelpie/client.js';
import type { ActorRef } from '../src/kelpie/ids.js';
import type { Json } from '../src/kelpie/json.js';
import type { Micros, NodeId, Platform } from '../src/ports.js';
import type { Operation } from '../src/run.js';
import type { OperationEvent } from '../src/story.js';
import { courier, ledger, type LedgerAudit, type Transfer } from './bank.js';

const ATTEMPT_MICROS: Micros = 2_000_000;
/** What must succeed in the end is tried for this long at a time. */
const PATIENCE_MICROS: Micros = 20_000_000;

/** What a drawn operation has beside client and time. */
export type BankOperation = Operation & { readonly op: string; readonly deadlineMicros: Micros } & (
    | { readonly kind: 'move'; readonly ledger: string; readonly from: string; readonly to: string; readonly amount: number }
    | ({ readonly kind: 'transfer' } & Transfer)
    | { readonly kind: 'balance'; readonly ledger: string; readonly account: string }
    | { readonly kind: 'audit'; readonly ledger: string }
  );

interface Step {
  readonly op: string;
  readonly kind: string;
  readonly args: Json;
  /** Ledgers that get a receipt. */
  readonly writes: readonly string[];
  readonly actor: ActorRef;
  readonly operation: string;
  readonly deadlineMicros: Micros;
  /** Whether this error says for certain that nothing was done; all that the client calls an error does when absent. */
  readonly final?: (code: string) => boolean;
}

export class BankClient {
  readonly #platform: Platform;
  readonly #client: KelpieClient;
  #count = 0;

  constructor(platform: Platform, nodes: readonly NodeId[]) {
    this.#platform = platform;
    this.#client = new KelpieClient(platform, { nodes, attemptMicros: ATTEMPT_MICROS });
  }

  /** Performs one drawn operation; whatever comes of it is told, and never thrown. */
  async perform(operation: BankOperation): Promise<void> {
    const { op, deadlineMicros } = operation;
    switch (operation.kind) {
      case 'move': {
        const { from, to, amount } = operation;
        const args = { op, from, to, amount };
        await this.#do({
          op,
          kind: 'move',
          args,
          writes: [operation.ledger],
          actor: ledger(operation.ledger),
          operation: 'move',
          deadlineMicros,
        });
        return;
      }
      case 'transfer': {
        const { account, toLedger, toAccount, amount } = operation;
        await this.#carry(op, { op, ledger: operation.ledger, account, toLedger, toAccount, amount }, 'transfer', deadlineMicros);
        return;
      }
      case 'balance': {
        const args = { account: operation.account };
        await this.#do({ op, kind: 'balance', args, writes: [], actor: ledger(operation.ledger), operation: 'balance', deadlineMicros });
        return;
      }
      case 'audit':
        await this.#audit(op, operation.ledger, deadlineMicros);
        return;
    }
  }

  /** Opens a ledger, however long it takes. */
  async open(name: string, accounts: Readonly<Record<string, number>>): Promise<void> {
    for (;;) {
      const op = this.#nextName();
      const step = { op, kind: 'open', args: { op, accounts }, writes: [], actor: ledger(name), operation: 'open' } as const;
      if ((await this.#do({ ...step, deadlineMicros: PATIENCE_MICROS })) !== undefined) return;
    }
  }

  /** Brings every transfer that is on its way from this ledger to its end, however long it takes. */
  async carryOn(name: string): Promise<void> {
    for (;;) {
      const audit = await this.auditUntilAnswered(name);
      if (audit.transfers.length === 0) return;
      for (const transfer of audit.transfers) await this.#carry(this.#nextName(), transfer, 'carry on', PATIENCE_MICROS);
    }
  }

  async auditUntilAnswered(name: string): Promise<LedgerAudit> {
    for (;;) {
      const audit = await this.#audit(this.#nextName(), name, PATIENCE_MICROS);
      if (audit !== undefined) return audit;
    }
  }

  async #audit(op: string, name: string, deadlineMicros: Micros): Promise<LedgerAudit | undefined> {
    const step = {
      op,
      kind: 'audit',
      args: { ledger: name },
      writes: [],
      actor: ledger(name),
      operation: 'audit',
      deadlineMicros,
    } as const;
    return (await this.#do(step, (result) => ({ target: name, marks: (result as LedgerAudit).marks }))) as LedgerAudit | undefined;
  }

  /** A courier commits in three steps, so that only the refusal of the first says that nothing was done. */
  async #carry(op: string, transfer: Transfer, kind: string, deadlineMicros: Micros): Promise<void> {
    const writes = kind === 'transfer' ? [transfer.ledger, transfer.toLedger] : [];
    const final = (code: string): boolean => code === 'invalid-argument';
    await this.#do({ op, kind, args: transfer, writes, actor: courier(transfer), operation: 'carry', deadlineMicros, final });
  }

  /** The result, or undefined when there is none. */
  async #do(
    step: Step,
    shows?: (result: Json) => { readonly target: string; readonly marks: readonly string[] },
  ): Promise<Json | undefined> {
    const { op, kind, args, writes, actor, operation, deadlineMicros, final = () => true } = step;
    this.#tell({ type: 'op.invoke', op, client: this.#platform.node, kind, args: args, writes });
    const answer = await this.#client.invoke(actor, operation, args, { deadlineMicros });
    if (answer.kind !== 'ok') {
      const { code } = answer.error;
      this.#tell({ type: answer.kind === 'error' && final(code) ? 'op.fail' : 'op.info', op, code });
      return undefined;
    }
    const { result } = answer;
    this.#tell({ type: 'op.ok', op, result: result, ...(shows === undefined ? {} : { shows: shows(result) }) });
    return result;
  }

  #nextName(): string {
    this.#count += 1;
    return `${this.#platform.node}-${this.#count}`;
  }

  #tell(event: OperationEvent): void {
    this.#platform.tracer.emit(event);
  }
}
