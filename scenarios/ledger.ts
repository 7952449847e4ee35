/**
 * Transfers between ledgers, each carried by a courier over three commits. Customers who do not know send the same request again, others
 * ask for the money at the same time, and some ask for more than there is. However often a step is tried, on whichever node, the money
 * leaves once and arrives once.
 */
import type { KelpieParts } from '../src/kelpie/parts.js';
import { bankActors } from './bank.js';
import { BankClient, type BankOperation } from './bank-client.js';
import { allBut, kelpieScenario } from './kelpie-scenario.js';
import { callMarks, commitMarks, seen } from './marks.js';
import type { Scenario } from './scenario.js';
import { drawMoments, drawOperations, hot, numbered, other } from './workload-draws.js';

const LEDGERS = numbered('l', 3);
const ACCOUNTS = numbered('a', 2);
const OPENING = 100;
const KINDS = ['insist', 'insist', 'insist', 'transfer', 'transfer', 'audit'] as const;

export const ledger: Scenario<KelpieParts> = kelpieScenario({
  id: 'ledger',
  summary: 'money goes from ledger to ledger, and whoever does not know whether it went asks again',
  invariants: allBut(),
  sometimes: {
    'repeated request answered from its record': callMarks['repeated request answered from its record'],
    'repeated request joined to the one under way': callMarks['repeated request joined to the one under way'],
    'client left without knowing': callMarks['client left without knowing'],
    'unknown commit found applied': commitMarks['unknown commit found applied'],
    'call of an actor failed': seen('call.end', ({ outcome }) => outcome !== 'ok'),
  },
  watched: 'ledger:l1',
  program: () => ({ actors: bankActors }),
  worker: ({ client, history }) => new BankClient(client, history),
  draw(random, chaosMicros) {
    const moments = drawMoments(random.fork('moments'), random.fork('sizes').between(8, 20), chaosMicros);
    const operations = drawOperations(random, 3, moments, (own, slot): BankOperation => {
      const kind = own.pick(KINDS);
      const from = hot(own, LEDGERS);
      if (kind === 'audit') return { ...slot, kind, ledger: from };
      const amount = own.chance(1, 5) ? own.between(2 * OPENING, 20 * OPENING) : own.between(1, OPENING);
      return {
        ...slot,
        kind,
        ledger: from,
        account: hot(own, ACCOUNTS),
        toLedger: other(own, LEDGERS, from),
        toAccount: hot(own, ACCOUNTS),
        amount,
      };
    });
    return { nodes: 3, clients: 3, operations };
  },
  async setUp(customer) {
    const opening = Object.fromEntries(ACCOUNTS.map((account) => [account, OPENING]));
    await Promise.all(LEDGERS.map((name) => customer.open(name, opening)));
  },
  async verify(customer) {
    await Promise.all(LEDGERS.map((name) => customer.carryOn(name)));
    await customer.workOn(LEDGERS, ACCOUNTS);
    // Money that arrived while another ledger was read is only in the last answers.
    for (const name of LEDGERS) await customer.auditUntilAnswered(name);
  },
});
