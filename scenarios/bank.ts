/**
 * The bank: ledgers that hold accounts in their keys and a total in their state, and couriers that carry money between ledgers.
 * Every change leaves a receipt under the name of the operation that made it, so that an audit can explain every balance. Sequence
 * numbers in state and keys grow together, total and accounts change together: whatever tears a commit shows.
 */
import type { Audit } from '../invariants/conservation.js';
import type { Sequences } from '../invariants/state-consistency.js';
import type { Actor, ActorContext, ActorType } from '../src/kelpie/actor.js';
import { KelpieError } from '../src/kelpie/errors.js';
import { type ActorRef, actorRef } from '../src/kelpie/ids.js';
import type { Json } from '../src/kelpie/json.js';

/** Money from one account of a ledger to another of the same one. */
export type Move = { readonly op: string; readonly from: string; readonly to: string; readonly amount: number };
/** Money from an account of one ledger to an account of another one. */
export type Transfer = {
  readonly op: string;
  readonly ledger: string;
  readonly account: string;
  readonly toLedger: string;
  readonly toAccount: string;
  readonly amount: number;
};
export type Opening = { readonly op: string; readonly accounts: Readonly<Record<string, number>> };
export type LedgerAudit = Audit & Sequences & { readonly marks: readonly string[]; readonly transfers: readonly Transfer[] };

type LedgerState = { sequence: number; total: number };
type Line = { readonly account: string; readonly amount: number };
/** What is stored for an operation; `at` is by the wall clock of the node, for people to read. */
type Receipt = { readonly at: number; readonly lines: readonly Line[] };
type Context = ActorContext<LedgerState>;

export const ledger = (name: string): ActorRef => actorRef('ledger', name);
/** Each transfer has a courier of its own. */
export const courier = (transfer: Transfer): ActorRef => actorRef('courier', transfer.op);

const key = {
  account: (name: string): string => `account/${name}`,
  receipt: (op: string): string => `receipt/${op}`,
  flight: (op: string): string => `flight/${op}`,
  opened: 'opened',
  sequence: 'sequence',
} as const;

/** The entries below a prefix that ends with a slash, by the rest of their keys. */
async function below(ctx: Context, prefix: string): Promise<[string, Json][]> {
  const entries = await ctx.kv.range(prefix, `${prefix.slice(0, -1)}0`);
  return entries.map((entry) => [entry.key.slice(prefix.length), entry.value]);
}

/** Adds to an account. It writes before it looks: whoever throws afterwards must find nothing written. */
async function add(ctx: Context, account: string, amount: number): Promise<void> {
  const balance = await ctx.kv.get(key.account(account));
  if (typeof balance !== 'number') throw new KelpieError('not-found', `${ctx.actor.key} has no account ${account}`);
  await ctx.kv.set(key.account(account), balance + amount);
  if (balance + amount < 0) throw new KelpieError('invalid-argument', `account ${account} holds ${balance}, ${-amount} are asked for`);
}

async function sign(ctx: Context, op: string, lines: readonly Line[]): Promise<void> {
  const receipt: Receipt = { at: ctx.wallMicros(), lines };
  if (lines.length > 0) await ctx.kv.set(key.receipt(op), receipt);
  ctx.state.sequence += 1;
  await ctx.kv.set(key.sequence, ctx.state.sequence);
}

const operations: Readonly<Record<string, (ctx: Context, payload: never) => Promise<Json>>> = {
  async open(ctx, { op, accounts }: Opening) {
    if (await ctx.kv.has(key.opened)) return { already: true };
    for (const [account, amount] of Object.entries(accounts)) await ctx.kv.set(key.account(account), amount);
    await ctx.kv.set(key.opened, accounts);
    ctx.state.total = Object.values(accounts).reduce((sum, amount) => sum + amount, 0);
    await sign(ctx, op, []);
    return { already: false };
  },

  // A repetition must not reach this: that a request takes effect once is the runtime's promise, and is not checked here again.
  async move(ctx, { op, from, to, amount }: Move) {
    await add(ctx, from, -amount);
    await add(ctx, to, amount);
    await sign(ctx, op, [
      { account: from, amount: -amount },
      { account: to, amount },
    ]);
    return null;
  },

  async balance(ctx, { account }: { readonly account: string }) {
    return (await ctx.kv.get(key.account(account))) ?? null;
  },

  /** Takes the money out and notes where it is going. May come again under another request, from a courier that started over. */
  async send(ctx, transfer: Transfer) {
    if (await ctx.kv.has(key.receipt(transfer.op))) return { already: true };
    await add(ctx, transfer.account, -transfer.amount);
    await ctx.kv.set(key.flight(transfer.op), transfer);
    await sign(ctx, transfer.op, [{ account: transfer.account, amount: -transfer.amount }]);
    return { already: false };
  },

  async receive(ctx, transfer: Transfer) {
    if (await ctx.kv.has(key.receipt(transfer.op))) return { already: true };
    await add(ctx, transfer.toAccount, transfer.amount);
    ctx.state.total += transfer.amount;
    await sign(ctx, transfer.op, [{ account: transfer.toAccount, amount: transfer.amount }]);
    return { already: false };
  },

  /** The money has arrived: it is no longer under way. */
  async settle(ctx, { op, amount }: Transfer) {
    if (!(await ctx.kv.has(key.flight(op)))) return { already: true };
    await ctx.kv.delete(key.flight(op));
    ctx.state.total -= amount;
    await sign(ctx, op, []);
    return { already: false };
  },

  async audit(ctx) {
    const receipts = await below(ctx, 'receipt/');
    const flights = (await below(ctx, 'flight/')).map(([, transfer]) => transfer as Transfer);
    const audit: LedgerAudit = {
      ledger: ctx.actor.id,
      total: ctx.state.total,
      opened: ((await ctx.kv.get(key.opened)) ?? {}) as Record<string, number>,
      balances: Object.fromEntries(await below(ctx, 'account/')) as Record<string, number>,
      inFlight: Object.fromEntries(flights.map(({ op, amount }) => [op, amount])),
      receipts: receipts.flatMap(([, receipt]) => (receipt as Receipt).lines),
      stateSequence: ctx.state.sequence,
      keysSequence: ((await ctx.kv.get(key.sequence)) ?? 0) as number,
      marks: receipts.map(([op]) => op),
      transfers: flights,
    };
    return audit;
  },
};

const ledgerActor: Actor<LedgerState> = {
  initialState: () => ({ sequence: 0, total: 0 }),
  invoke(ctx, operation, payload) {
    const perform = operations[operation];
    if (perform === undefined) throw new KelpieError('invalid-argument', `a ledger has no operation ${operation}`);
    // The payloads come from this scenario's own clients and couriers.
    return perform(ctx, payload as never);
  },
};

/** Carries one transfer over its three steps. Each step takes effect once however often it is tried, so a courier may start over. */
const courierActor: Actor<{ carried: boolean }> = {
  initialState: () => ({ carried: false }),
  async invoke(ctx, operation, payload) {
    if (operation !== 'carry') throw new KelpieError('invalid-argument', `a courier has no operation ${operation}`);
    const transfer = payload as Transfer;
    await ctx.call(ledger(transfer.ledger), 'send', transfer);
    await ctx.call(ledger(transfer.toLedger), 'receive', transfer);
    await ctx.call(ledger(transfer.ledger), 'settle', transfer);
    ctx.state.carried = true;
    return null;
  },
};

/** Couriers have one job; the node need not keep them for long. */
const COURIER_IDLE_MICROS = 2_000_000;

export const bankActors: readonly ActorType[] = [
  { namespace: 'ledger', create: () => ledgerActor } satisfies ActorType<LedgerState>,
  { namespace: 'courier', idleMicros: COURIER_IDLE_MICROS, create: () => courierActor } satisfies ActorType<{ carried: boolean }>,
];
