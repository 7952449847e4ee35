/**
 * State and keys of one actor, committed together or not at all. Three customers move money in one ledger, whose total is in its state
 * and whose accounts and receipts are keys; many of them ask for more than there is, which shows after the first account was written.
 * The database refuses, forgets to answer and loses what it was given, and the node dies in between.
 */
import type { KelpieParts } from '../src/kelpie/parts.js';
import { bankActors } from './bank.js';
import { BankClient, type BankOperation } from './bank-client.js';
import { allBut, kelpieScenario } from './kelpie-scenario.js';
import { commitMarks } from './marks.js';
import type { Scenario } from './scenario.js';
import { drawMoments, drawOperations, hot, numbered, other } from './workload-draws.js';

const LEDGER = 'l1';
const ACCOUNTS = numbered('a', 3);
const OPENING = 100;
const KINDS = ['move', 'move', 'move', 'move', 'balance', 'audit'] as const;

const SMALL_CHAOS_MICROS = 2_000_000;
const SMALL_MOVE = { atMicros: 0, deadlineMicros: 4_000_000, kind: 'move', ledger: LEDGER, from: 'a1' } as const;
/** One that can be done, and one that asks for more than there is, which shows after the first account was written. */
const SMALL_OPERATIONS: readonly BankOperation[] = [
  { ...SMALL_MOVE, op: 'c1-0', client: 1, to: 'a2', amount: 10 },
  { ...SMALL_MOVE, op: 'c2-0', client: 2, to: 'a3', amount: 2 * OPENING },
];

export const kvStateAtomicity: Scenario<KelpieParts> = kelpieScenario({
  id: 'kv-state-atomicity',
  summary: 'customers of one ledger overdraw and are refused half way, while the database and its answers fail',
  invariants: allBut(),
  sometimes: commitMarks,
  offers: ['process', 'schedule', 'database', 'cluster'],
  faultFactor: 2,
  knobs: { idleMicros: { min: 20_000, max: 2_000_000, normal: 300_000 } },
  watched: 'ledger:l1',
  program: () => ({ actors: bankActors }),
  worker: ({ client, history }) => new BankClient(client, history),
  draw(random, chaosMicros) {
    const moments = drawMoments(random.fork('moments'), random.fork('sizes').between(12, 36), chaosMicros);
    const operations = drawOperations(random, 3, moments, (own, slot): BankOperation => {
      const kind = own.pick(KINDS);
      const account = hot(own, ACCOUNTS);
      if (kind === 'balance') return { ...slot, kind, ledger: LEDGER, account };
      if (kind === 'audit') return { ...slot, kind, ledger: LEDGER };
      // More than is there, or about as much.
      const amount = own.chance(1, 3) ? own.between(2 * OPENING, 20 * OPENING) : own.between(1, OPENING);
      return { ...slot, kind, ledger: LEDGER, from: account, to: other(own, ACCOUNTS, account), amount };
    });
    return { nodes: 3, clients: 3, operations };
  },
  small: () => ({
    workload: { nodes: 3, clients: 2, operations: SMALL_OPERATIONS },
    chaosMicros: SMALL_CHAOS_MICROS,
    readyMicros: 0,
    seed: 0,
  }),
  setUp: (customer) => customer.open(LEDGER, Object.fromEntries(ACCOUNTS.map((account) => [account, OPENING]))),
  async verify(customer) {
    await customer.workOn([LEDGER], ACCOUNTS);
    await customer.auditUntilAnswered(LEDGER);
  },
});
