/**
 * Every actor behaves as if it did one thing at a time: the operations on one of them can be put in one order that respects real time and
 * explains every answer. Actors are judged one by one, which is enough (Herlihy and Wing, 1990: linearizability is local): ledgers by
 * their balances and receipts, notebooks by the order of their notes, all others by the marks that they bear.
 */
import type { TraceValue } from '../src/ports.js';
import { argumentOf, type ClientOperation, HISTORY_TYPES, judgedAtEnd, mayHaveEffect, resultOf } from './bookkeeping/client-history.js';
import type { Invariant } from './invariant.js';
import { type BankInput, bankModel, type BankOutput, OPENED, settled, sortedBalances } from './linearizability/bank-model.js';
import { marksModel, type MarksInput } from './linearizability/marks-model.js';
import { type Json, type ListInput, listAppendModel } from './linearizability/models.js';
import { type Effect, SearchBudget } from './linearizability/told.js';

const DONE: BankOutput = { kind: 'done' };

/** What an audit and a transfer are known to have. */
type AuditResult = {
  readonly ledger: string;
  readonly opened: Readonly<Record<string, number>>;
  readonly balances: Readonly<Record<string, number>>;
  readonly inFlight: Readonly<Record<string, number>>;
  readonly marks: readonly string[];
};
type TransferArguments = {
  readonly op: string;
  readonly ledger: string;
  readonly account: string;
  readonly toLedger: string;
  readonly toAccount: string;
  readonly amount: number;
};

const has = (value: TraceValue | undefined, ...names: readonly string[]): boolean =>
  typeof value === 'object' && value !== null && names.every((name) => name in value);

type BankEffect = Effect<BankInput, BankOutput>;

/** What the operations of customers did to ledgers. */
function bankEffects(operations: readonly ClientOperation[]): readonly BankEffect[] {
  /** Transfers by the ledger that sends them: those of its receipts after which money is under way. */
  const sent = new Set<string>();
  for (const { asked } of operations) {
    if (isTransfer(asked.kind, asked.args)) sent.add(`${asked.args.ledger} ${asked.args.op}`);
  }
  return operations.filter(mayHaveEffect).flatMap((by): readonly BankEffect[] => {
    const { kind, op, args } = by.asked;
    const result = resultOf(by);
    const done = by.answer?.type === 'op.ok';
    if (isTransfer(kind, args)) {
      const { ledger, account, toLedger, toAccount, amount } = args;
      const output = done ? DONE : undefined;
      return [
        { by, step: `the sending`, input: { kind: 'send', ledger, op: args.op, account, amount }, output },
        { by, step: `the receipt`, input: { kind: 'receive', ledger: toLedger, op: args.op, account: toAccount, amount }, output },
        { by, step: `the settlement`, input: { kind: 'settle', ledger, op: args.op }, output },
      ];
    }
    const ledger = argumentOf(by, 'ledger');
    if (typeof ledger !== 'string') return [];
    if (kind === 'open' && has(args, 'accounts')) {
      const accounts = argumentOf(by, 'accounts') as Readonly<Record<string, number>>;
      const already = has(result, 'already') ? (result as { readonly already: boolean }).already : undefined;
      return [{ by, input: { kind, ledger, accounts }, output: already === undefined ? undefined : { kind: 'opened', already } }];
    }
    if (kind === 'move' && has(args, 'from', 'to', 'amount')) {
      const { from, to, amount } = args as { readonly from: string; readonly to: string; readonly amount: number };
      return [{ by, input: { kind, ledger, op, from, to, amount }, output: done ? DONE : undefined }];
    }
    // Reads that nobody has seen say nothing.
    if (!done) return [];
    if (kind === 'balance' && has(args, 'account') && (typeof result === 'number' || result === null)) {
      const account = argumentOf(by, 'account') as string;
      return [{ by, input: { kind, ledger, account }, output: { kind: 'balance', amount: result } }];
    }
    if (kind === 'audit' && has(result, 'ledger', 'opened', 'balances', 'inFlight', 'marks')) {
      return [{ by, input: { kind, ledger }, output: auditOf(result as unknown as AuditResult, sent) }];
    }
    return [];
  });
}

const isTransfer = (kind: string, args: TraceValue): args is TransferArguments =>
  (kind === 'transfer' || kind === 'carry on') && has(args, 'op', 'ledger', 'account', 'toLedger', 'toAccount', 'amount');

/** An audit as what was done. */
function auditOf({ ledger, opened, balances, inFlight, marks }: AuditResult, sent: ReadonlySet<string>): BankOutput {
  const arrived = marks.filter((mark) => sent.has(`${ledger} ${mark}`) && !(mark in inFlight));
  const done = [...(Object.keys(opened).length === 0 ? [] : [OPENED]), ...marks, ...arrived.map(settled)].sort();
  return { kind: 'audit', done, balances: sortedBalances(Object.entries(balances)) };
}

/** What operations left on actors that show it in the order in which it came. */
function noteEffects(operations: readonly ClientOperation[], books: ReadonlySet<string>): readonly Effect<ListInput, Json>[] {
  return operations.filter(mayHaveEffect).flatMap((by): readonly Effect<ListInput, Json>[] => {
    const { op, writes } = by.asked;
    const done = by.answer?.type === 'op.ok';
    const notes = writes
      .filter((target) => books.has(target))
      .map((key): Effect<ListInput, Json> => ({ by, input: { kind: 'append', key, value: op }, output: done ? null : undefined }));
    const shows = by.answer?.type === 'op.ok' ? by.answer.shows : undefined;
    if (shows?.inOrder !== true) return notes;
    return [...notes, { by, input: { kind: 'read', key: shows.target }, output: shows.marks }];
  });
}

/** What operations left on all other actors. */
function markEffects(
  operations: readonly ClientOperation[],
  isOther: (target: string) => boolean,
  isOperation: (mark: string) => boolean,
): readonly Effect<MarksInput, readonly string[] | null>[] {
  return operations.filter(mayHaveEffect).flatMap((by): readonly Effect<MarksInput, readonly string[] | null>[] => {
    const { op, writes } = by.asked;
    const done = by.answer?.type === 'op.ok';
    const marks = writes
      .filter(isOther)
      .map((target): Effect<MarksInput, null> => ({ by, input: { kind: 'mark', target, mark: op }, output: done ? null : undefined }));
    const shows = by.answer?.type === 'op.ok' ? by.answer.shows : undefined;
    if (shows === undefined || !isOther(shows.target)) return marks;
    // Others than operations may leave something that looks like a mark.
    return [...marks, { by, input: { kind: 'look', target: shows.target }, output: shows.marks.filter(isOperation).sort() }];
  });
}

export const actorLinearizability: Invariant = {
  id: 'actor-linearizability',
  promise: 'Each actor behaves as if it did one thing at a time, at one moment between the question and the answer.',
  kind: 'always',
  hears: HISTORY_TYPES,
  start: () =>
    judgedAtEnd((history) => {
      // Agents come and go, which their own promise knows.
      const operations = history.all().filter(({ asked }) => !asked.kind.startsWith('agent '));
      const bank = bankEffects(operations);
      const ledgers = new Set(bank.map(({ input }) => input.ledger));
      const books = new Set(
        operations.flatMap(({ answer }) => (answer?.type === 'op.ok' && answer.shows?.inOrder === true ? [answer.shows.target] : [])),
      );
      const isOther = (target: string): boolean => !ledgers.has(target) && !books.has(target);
      const budget = new SearchBudget();
      const judgements = [
        budget.judge(bank, bankModel, 'ledger'),
        budget.judge(noteEffects(operations, books), listAppendModel, 'actor'),
        budget.judge(
          markEffects(operations, isOther, (mark) => history.has(mark)),
          marksModel,
          'actor',
        ),
      ];
      return judgements.find((judgement) => judgement !== undefined && judgement !== 'unknown') ?? judgements.find(Boolean);
    }),
};
