/**
 * The workload of `kelpie-cluster` without faults, in the simulator and on three real node processes over TCP with the embedded store:
 * the scenario's own programs for set-up, clients and reading back run unchanged on both, and both end in the same answers.
 *
 * What is the same is the case, not the order in which clients get their turn, so what may be compared depends on the case:
 *
 * - With one client every operation begins when the one before has been answered. Nothing is left to order, so every single answer
 *   is compared: result or error code of each operation, and all that reading back shows.
 * - With several clients an answer in the middle (a balance, an audit, whether an account could still pay) depends on who was first,
 *   rightly. Such a case is cut down to the operations whose outcome no order can change: payments that their account can make even
 *   if no money ever arrives, and those that it cannot make even if all of it arrives first. Which of them succeed is compared, and
 *   since additions commute, all that reading back shows: totals, balances, and the receipt of every operation exactly once.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { LedgerAudit } from '../scenarios/bank.js';
import type { BankOperation } from '../scenarios/bank-client.js';
import { kelpieCluster } from '../scenarios/kelpie-cluster.js';
import { serverIds, type Stage } from '../scenarios/scenario.js';
import { type Compiled, compile } from '../src/contract/compiled.js';
import { NodeCluster } from '../src/contract/node-cluster.js';
import { PLACEMENT_STRATEGIES } from '../src/kelpie/config.js';
import type { KelpieParts } from '../src/kelpie/parts.js';
import type { NodeId, Platform, StoryEvent, TraceValue } from '../src/ports.js';
import { RealClock } from '../src/real/clock.js';
import { RealRandom } from '../src/real/random.js';
import { openTcpTransport } from '../src/real/tcp-transport.js';
import type { Case } from '../src/run.js';
import { simulate } from '../src/sim/simulate.js';
import type { OperationEvent } from '../src/story.js';
import type { TraceEvent } from '../src/trace.js';
import { draw } from './draw.js';

const NODES = 3;
/** Real time, too: the clients keep to the moments of their operations. */
const CHAOS_MICROS = 1_000_000;
/** The question is what is answered, not how soon on a machine with other work. */
const PATIENT_MICROS = 30_000_000;
/** What the scenario pays into each account; the audits are compared with it. */
const OPENING = 100;
const SEEDS_MAX = 1_000;
/** A case takes four seconds on a machine with other work. */
const TEST_MILLIS_MAX = 30_000;
const PROMISES_TO_CLIENTS: readonly string[] = ['conservation', 'durable-on-success', 'no-effect-on-failure', 'state-consistency'];

type History = readonly TraceEvent[];
type Payment = Extract<BankOperation, { readonly kind: 'move' | 'transfer' }>;

let compiled: Compiled;
const open: NodeCluster[] = [];

beforeAll(async () => {
  compiled = await compile(['runner/kelpie-node.ts', 'scenarios/bank.ts']);
}, 60_000);

afterEach(() => Promise.all(open.splice(0).map((cluster) => cluster.close())));

afterAll(() => compiled.remove());

const BANK_KINDS: ReadonlySet<string> = new Set(['move', 'transfer', 'balance', 'audit']);
const operationsOf = (run: Case): readonly BankOperation[] => run.workload.operations as readonly BankOperation[]; // of the bank alone
const isPayment = (operation: BankOperation): operation is Payment => operation.kind === 'move' || operation.kind === 'transfer';

/** The real nodes of this test run the bank, and no agents. */
const bankOnly = (run: Case): Case => ({
  ...run,
  workload: { ...run.workload, agents: [], operations: run.workload.operations.filter(({ kind }) => BANK_KINDS.has(kind)) },
});

/**
 * The first cases of so many nodes with something of every kind, without faults, patient, and placed so that every node gets actors.
 */
function casesDrawn(count: number): Case[] {
  const cases: Case[] = [];
  for (let seed = 1; seed <= SEEDS_MAX && cases.length < count; seed++) {
    const run = bankOnly(draw(seed, kelpieCluster, { faults: [], profile: 'none', chaosMicros: CHAOS_MICROS }));
    if (run.workload.nodes !== NODES || !isTelling(run)) continue;
    const operations = operationsOf(run).map((operation) => ({ ...operation, deadlineMicros: PATIENT_MICROS }));
    const knobs = { ...run.knobs, placement: PLACEMENT_STRATEGIES.indexOf('round-robin') };
    cases.push({ ...run, knobs, workload: { ...run.workload, operations } });
  }
  return cases;
}

/** All operations are the first client's. */
const inTurn = (run: Case): Case => ({
  ...run,
  workload: { ...run.workload, clients: 1, operations: operationsOf(run).map((operation) => ({ ...operation, client: 1 })) },
});

const source = (payment: Payment): string => `${payment.ledger}/${payment.kind === 'move' ? payment.from : payment.account}`;
const target = (payment: Payment): string =>
  payment.kind === 'move' ? `${payment.ledger}/${payment.to}` : `${payment.toLedger}/${payment.toAccount}`;

/** The payments that their account can make even if no money ever arrives, and those it cannot make even if all of it does. */
function certainPayments(run: Case): { readonly covered: ReadonlySet<BankOperation>; readonly hopeless: ReadonlySet<BankOperation> } {
  const left = new Map<string, number>();
  const most = new Map<string, number>();
  const leftOf = (account: string): number => left.get(account) ?? OPENING;
  const mostOf = (account: string): number => most.get(account) ?? OPENING;
  const covered = new Set<BankOperation>();
  const payments = operationsOf(run).filter(isPayment);
  for (const payment of payments) {
    const from = source(payment);
    if (payment.amount > leftOf(from)) continue;
    covered.add(payment);
    left.set(from, leftOf(from) - payment.amount);
    most.set(target(payment), mostOf(target(payment)) + payment.amount);
  }
  const hopeless = payments.filter((payment) => payment.amount > mostOf(source(payment)));
  return { covered, hopeless: new Set(hopeless) };
}

/** Leaves out the payments whose outcome depends on what came first. */
function inAnyOrder(run: Case): Case {
  const { covered, hopeless } = certainPayments(run);
  const operations = operationsOf(run).filter((operation) => !isPayment(operation) || covered.has(operation) || hopeless.has(operation));
  return { ...run, workload: { ...run.workload, operations } };
}

/** Whether enough happens: a case without transfers or overdrafts shows little. */
function isTelling(run: Case): boolean {
  const { covered, hopeless } = certainPayments(run);
  const times = (kind: string): number => [...covered].filter((payment) => payment.kind === kind).length;
  return run.workload.clients > 1 && times('move') >= 2 && times('transfer') >= 2 && hopeless.size >= 1;
}

async function inSimulation(run: Case): Promise<History> {
  const { run: result, trace } = await simulate(run, { scenario: kelpieCluster, faults: [], record: true });
  expect(result.verdict, JSON.stringify({ reason: result.reason, violations: result.violations })).toBe('pass');
  return trace;
}

/** The phases of a run, on real processes. The history is what the clients told, in the order in which they told it. */
async function onRealNodes(run: Case): Promise<History> {
  const cluster = await NodeCluster.open(compiled.path('runner/kelpie-node.ts'), serverIds(run.workload));
  open.push(cluster);
  const actors = join(cluster.folder, 'actors.mjs');
  await writeFile(actors, `export { bankActors as actors } from ${JSON.stringify(compiled.url('scenarios/bank.ts'))};\n`);
  const { placement = 0, ...knobs } = run.knobs;
  const kelpie = { ...knobs, placement: PLACEMENT_STRATEGIES[placement] };
  const nodes = await cluster.start({ actors: [actors], kelpie, log: { level: 'debug' } });

  const clock = new RealClock();
  const history: TraceEvent[] = [];
  const tell = (node: NodeId, body: StoryEvent): void =>
    void history.push({ index: history.length, at: clock.monotonicMicros(), node, life: 1, cause: -1, body });
  const asClient = async (node: NodeId, program: (platform: Platform) => Promise<void>): Promise<void> => {
    const tracer = { emit: (event: StoryEvent) => tell(node, event), count: () => undefined };
    const random = new RealRandom();
    const transport = await openTcpTransport({ self: node, addressOf: (peer) => cluster.addresses.get(peer), clock, random, tracer });
    try {
      // A client uses no disk, store or services of its own.
      await program({ node, clock, random, transport, tracer } as unknown as Platform);
    } finally {
      await transport.close();
    }
  };

  const stage: Stage<KelpieParts> = { workload: run.workload, knobs: run.knobs, parts: kelpieCluster.parts };
  await asClient('observer', async (platform) => kelpieCluster.setUp?.(platform, stage));
  tell('', { type: 'phase', phase: 'chaos' } as StoryEvent);
  const clients = Array.from({ length: run.workload.clients }, (_, i) => i + 1);
  await Promise.all(
    clients.map((client) => {
      const own = run.workload.operations.filter((operation) => operation.client === client);
      return asClient(`c${client}`, (platform) => kelpieCluster.client(platform, stage, own));
    }),
  );
  tell('', { type: 'phase', phase: 'verify' } as StoryEvent);
  await asClient('observer', async (platform) => kelpieCluster.verify?.(platform, stage));
  tell('', { type: 'phase', phase: 'end' } as StoryEvent);

  for (const [node, { lines }] of nodes) {
    expect(lines.filter((line) => line.includes('"type":"activate.done"')).length, `actors that ${node} activated`).toBeGreaterThan(0);
  }
  for (const [node, child] of nodes) {
    child.kill('SIGTERM');
    expect(await child.ended, `${node} stops in order: ${child.errors()}`).toBe(0);
  }
  return history;
}

interface Answer {
  readonly kind: string;
  readonly outcome: 'ok' | 'fail' | 'info';
  readonly code?: string;
  readonly result?: TraceValue;
}

/** What became of the operations of the case, by their names. */
function answersOf(run: Case, history: History): ReadonlyMap<string, Answer> {
  const drawn = new Map(operationsOf(run).map(({ op, kind }) => [op, kind]));
  const answers = new Map<string, Answer>();
  for (const { body } of history) {
    const event = body as OperationEvent; // others have none of the types below
    if (event.type !== 'op.ok' && event.type !== 'op.fail' && event.type !== 'op.info') continue;
    const kind = drawn.get(event.op);
    if (kind === undefined) continue;
    expect(answers.has(event.op), `${event.op} is answered twice`).toBe(false);
    answers.set(
      event.op,
      event.type === 'op.ok'
        ? { kind, outcome: 'ok', result: event.result }
        : { kind, outcome: event.type === 'op.fail' ? 'fail' : 'info', code: event.code },
    );
  }
  // By name: in which order clients got their answers is not compared.
  return new Map([...answers].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The last audit of each ledger. */
function finalAudits(history: History): Readonly<Record<string, LedgerAudit>> {
  const audits: Record<string, LedgerAudit> = {};
  const verify = history.findIndex(({ body }) => body.type === 'phase' && (body as { readonly phase?: string }).phase === 'verify');
  for (const { body } of history.slice(verify)) {
    const event = body as OperationEvent;
    if (event.type === 'op.ok' && event.shows !== undefined) audits[event.shows.target] = event.result as unknown as LedgerAudit;
  }
  return audits;
}

/** The scenario's own promises to its clients, judged on what those told. Others are about what happens inside of nodes. */
function promisesHold(history: History): void {
  const promises = kelpieCluster.invariants.filter(({ id }) => PROMISES_TO_CLIENTS.includes(id));
  expect(promises.map(({ id }) => id).sort()).toEqual(PROMISES_TO_CLIENTS);
  for (const { id, start } of promises) {
    const fold = start();
    const breaches = history.map((event) => fold.observe(event)).filter((breach) => breach !== undefined);
    expect(breaches, id).toEqual([]);
    expect(fold.finish?.(), `${id} at the end`).toBeUndefined();
  }
}

/** Every answer is final, only what cannot be paid fails, and reading back shows exactly what was acknowledged. */
function addsUp(run: Case, history: History): void {
  const answers = answersOf(run, history);
  const audits = finalAudits(history);
  expect([...answers.keys()]).toEqual(
    operationsOf(run)
      .map(({ op }) => op)
      .toSorted(),
  );
  const balances = new Map<string, number>();
  const marks = new Map<string, string[]>();
  for (const operation of operationsOf(run)) {
    const answer = answers.get(operation.op);
    if (answer?.outcome !== 'ok') {
      expect(answer, `${operation.op} failed`).toMatchObject({
        kind: expect.stringMatching(/^(move|transfer)$/),
        outcome: 'fail',
        code: 'invalid-argument',
      });
      continue;
    }
    if (!isPayment(operation)) continue;
    balances.set(source(operation), (balances.get(source(operation)) ?? OPENING) - operation.amount);
    balances.set(target(operation), (balances.get(target(operation)) ?? OPENING) + operation.amount);
    const ledgers = operation.kind === 'move' ? [operation.ledger] : [operation.ledger, operation.toLedger];
    for (const ledger of ledgers) marks.set(ledger, [...(marks.get(ledger) ?? []), operation.op]);
  }
  for (const [ledger, audit] of Object.entries(audits)) {
    expect(audit.inFlight, `${ledger}: under way`).toEqual({});
    expect([...audit.marks].sort(), `${ledger}: receipts`).toEqual((marks.get(ledger) ?? []).sort());
    for (const [account, balance] of Object.entries(audit.balances)) {
      expect(audit.opened[account], `${ledger}/${account} at its opening`).toBe(OPENING);
      expect(balance, `${ledger}/${account}`).toBe(balances.get(`${ledger}/${account}`) ?? OPENING);
    }
  }
  const held = Object.values(audits).reduce((sum, { total }) => sum + total, 0);
  const { ledgers, accounts } = run.workload as unknown as { readonly ledgers: readonly string[]; readonly accounts: readonly string[] };
  expect(Object.keys(audits).sort()).toEqual([...ledgers].sort());
  expect(held).toBe(OPENING * ledgers.length * accounts.length);
}

async function onBoth(run: Case): Promise<{ readonly simulated: History; readonly real: History }> {
  const simulated = await inSimulation(run);
  const real = await onRealNodes(run);
  promisesHold(real);
  for (const history of [simulated, real]) addsUp(run, history);
  return { simulated, real };
}

const CASES = 4;
const cases = casesDrawn(CASES);
const label = (run: Case): string => `seed ${run.seed}, ${run.workload.operations.length} operations`;

describe('the same workload without faults, simulated and on three real processes', () => {
  test('there are cases to compare', () => {
    expect(cases).toHaveLength(CASES);
  });

  test.each(cases.slice(0, 2).map((run) => [label(inTurn(run)), inTurn(run)] as const))(
    'one client: every answer is the same (%s)',
    { timeout: TEST_MILLIS_MAX },
    async (_, run) => {
      const { simulated, real } = await onBoth(run);
      expect(answersOf(run, real)).toEqual(answersOf(run, simulated));
      expect(finalAudits(real)).toEqual(finalAudits(simulated));
    },
  );

  test.each(cases.slice(2).map((run) => [label(inAnyOrder(run)), inAnyOrder(run)] as const))(
    'several clients at once: the same operations succeed and end in the same ledgers (%s)',
    { timeout: TEST_MILLIS_MAX },
    async (_, run) => {
      const { simulated, real } = await onBoth(run);
      const outcomes = (history: History): unknown =>
        [...answersOf(run, history)].map(([op, { outcome, code }]) => ({ op, outcome, code }));
      expect(outcomes(real)).toEqual(outcomes(simulated));
      expect(finalAudits(real)).toEqual(finalAudits(simulated));
    },
  );
});
