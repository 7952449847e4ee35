/**
 * A ledger of the bank, as its customers know it: accounts in one ledger, money that is sent to other ledgers or comes from them, and a
 * receipt of every change. What was done once is never done again, so a state is the set of what was done, and balances follow from it
 * and from the order.
 */
import { followedBy } from './growing.js';
import type { SequentialModel } from './model.js';

export type BankInput = { readonly ledger: string } & (
  | { readonly kind: 'open'; readonly accounts: Readonly<Record<string, number>> }
  | { readonly kind: 'move'; readonly op: string; readonly from: string; readonly to: string; readonly amount: number }
  /** The three steps of a transfer; any of them may be tried again and again. */
  | { readonly kind: 'send' | 'receive'; readonly op: string; readonly account: string; readonly amount: number }
  | { readonly kind: 'settle'; readonly op: string }
  | { readonly kind: 'balance'; readonly account: string }
  | { readonly kind: 'audit' }
);

export type BankOutput =
  | { readonly kind: 'done' }
  /** There was not enough, or no such account. */
  | { readonly kind: 'refused' }
  | { readonly kind: 'opened'; readonly already: boolean }
  | { readonly kind: 'balance'; readonly amount: number | null }
  | { readonly kind: 'audit'; readonly done: readonly string[]; readonly balances: readonly (readonly [string, number])[] };

export interface BankState {
  /** Receipts, and what `settled` and `OPENED` name. */
  readonly done: ReadonlySet<string>;
  readonly balances: ReadonlyMap<string, number>;
}

/** No operation has a name with a blank. */
export const OPENED = 'the opening';
/** That the money of a transfer is no longer under way. */
export const settled = (op: string): string => `${op} settled`;

export const sortedBalances = (balances: Iterable<readonly [string, number]>): readonly (readonly [string, number])[] =>
  [...balances].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));

const DONE: BankOutput = { kind: 'done' };

/** Books the lines if no account is missing or overdrawn by them. */
function book(state: BankState, fact: string, lines: readonly (readonly [string, number])[]): { state: BankState; output: BankOutput } {
  const balances = new Map(state.balances);
  for (const [account, amount] of lines) {
    const balance = balances.get(account);
    if (balance === undefined || balance + amount < 0) return { state, output: { kind: 'refused' } };
    balances.set(account, balance + amount);
  }
  return { state: { done: new Set(state.done).add(fact), balances }, output: DONE };
}

export const bankModel: SequentialModel<BankState, BankInput, BankOutput> = {
  name: 'bank',
  initial: () => ({ done: new Set(), balances: new Map() }),
  apply(state, input) {
    const { done, balances } = state;
    switch (input.kind) {
      case 'open': {
        if (done.has(OPENED)) return { state, output: { kind: 'opened', already: true } };
        const opened = { done: new Set(done).add(OPENED), balances: new Map(Object.entries(input.accounts)) };
        return { state: opened, output: { kind: 'opened', already: false } };
      }
      case 'move':
        return book(state, input.op, [
          [input.from, -input.amount],
          [input.to, input.amount],
        ]);
      case 'send':
      case 'receive':
        if (done.has(input.op)) return { state, output: DONE };
        return book(state, input.op, [[input.account, input.kind === 'send' ? -input.amount : input.amount]]);
      case 'settle':
        // What was not sent is not under way.
        if (!done.has(input.op)) return { state, output: DONE };
        return { state: { done: new Set(done).add(settled(input.op)), balances }, output: DONE };
      case 'balance':
        return { state, output: { kind: 'balance', amount: balances.get(input.account) ?? null } };
      case 'audit':
        return { state, output: { kind: 'audit', done: [...done].sort(), balances: sortedBalances(balances) } };
    }
  },
  agrees: (specified, seen) => JSON.stringify(specified) === JSON.stringify(seen),
  fingerprint: ({ done, balances }) => JSON.stringify([[...done].sort(), sortedBalances(balances)]),
  leadsOn(history) {
    const shown = followedBy(
      history.flatMap(({ output }, operation) => (output?.kind === 'audit' ? [{ operation, items: new Set(output.done) }] : [])),
    );
    return ({ done }, isPlaced) => shown(done, isPlaced);
  },
  part: ({ ledger }) => ledger,
};
