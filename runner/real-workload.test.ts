/**
 * The workload of `kelpie-cluster` without faults, in the simulator and on three real node processes over TCP with the embedded store
 * and with HTTP stand-ins for the peers of agents: the scenario's own programs for set-up, clients and reading back run unchanged on both, and both end in the same answers.
 *
 * What is the same is the case, not the order in which clients get their turn, so what may be compared depends on the case:
 *
 * - With one client every operation begins when the one before has been answered. Nothing is left to order, so every single answer
 *   is compared: result or error code of each operation, and all that reading back shows. Two things are nobody's to repeat: the
 *   name that each life of an agent gets, and which node an actor is on, which decides whether it can be moved to another.
 * - With several clients an answer in the middle (a balance, an audit, whether an account could still pay, whether a guest was there)
 *   depends on who was first, rightly. Such a case is cut down to the operations whose outcome no order can change: payments that their
 *   account can make even if no money ever arrives, those that it cannot make even if all of it arrives first, and what is asked of
 *   agents that stay. Which of them succeed is compared, and since additions commute, all that reading back shows: totals, balances,
 *   and the receipt of every operation exactly once.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { AgentOperation } from '../scenarios/agent-client.js';
import type { LedgerAudit } from '../scenarios/bank.js';
import type { BankOperation } from '../scenarios/bank-client.js';
import type { ClusterOperation, ClusterWorkload } from '../scenarios/cluster-workload.js';
import { kelpieCluster } from '../scenarios/kelpie-cluster.js';
import { serverIds, type Stage } from '../scenarios/scenario.js';
import { type Compiled, compile } from '../src/contract/compiled.js';
import { NodeCluster } from '../src/contract/node-cluster.js';
import type { AgentView } from '../src/kelpie/agents/agent-service.js';
import { PLACEMENT_STRATEGIES } from '../src/kelpie/config.js';
import type { KelpieParts } from '../src/kelpie/parts.js';
import type { NodeId, Platform, StoryEvent, TraceValue } from '../src/ports.js';
import { RealClock } from '../src/real/clock.js';
import { openEmbeddedDatabase } from '../src/real/embedded-database.js';
import { RealRandom } from '../src/real/random.js';
import { openTcpTransport } from '../src/real/tcp-transport.js';
import type { Case } from '../src/run.js';
import { simulate } from '../src/sim/simulate.js';
import type { OperationEvent } from '../src/story.js';
import type { TraceEvent } from '../src/trace.js';
import { draw } from './draw.js';
import { type HttpPeers, openHttpPeers } from './fixtures/http-peers.js';

const NODES = 3;
/** Real time, too: the clients keep to the moments of their operations. */
const CHAOS_MICROS = 1_000_000;
/** The question is what is answered, not how soon on a machine with other work. */
const PATIENT_MICROS = 30_000_000;
/** What the scenario pays into each account; the audits are compared with it. */
const OPENING = 100;
const SEEDS_MAX = 2_000;
/** One client works on them one by one, and three processes may share a processor with other work. */
const OPERATIONS_MAX = 45;
/** A case takes some three seconds on a machine with other work; waits on conditions end it sooner, never this bound. */
const TEST_MILLIS_MAX = 60_000;
/**
 * Every node gets actors, an actor stays until it is moved, and may be moved again at once; and nobody is failed or loses its leases
 * because three processes share two processors with other work.
 */
const KNOBS: Readonly<Record<string, number>> = {
  placement: PLACEMENT_STRATEGIES.indexOf('round-robin'),
  idleMicros: 60_000_000,
  migrationCooldownMicros: 0,
  migrationStepMicros: 5_000_000,
  heartbeatMicros: 1_000_000,
  heartbeatsMissedSuspect: 2,
  heartbeatsMissedFailed: 5,
  leaseMicros: 15_000_000,
  leaseRenewMicros: 1_000_000,
  forwardMicros: 5_000_000,
  capacity: 1_000,
  pendingPerActor: 1_000,
  mailbox: 10_000,
  callsInFlight: 10,
};
const MEMBER_MILLIS_MAX = 20_000;
/** As fast as loopback: on a slow network an attempt may be given up and repeated, and a refusal is then no certain one. */
const LOOPBACK: Case['network'] = {
  latencyMicrosMin: 200,
  latencyMicrosMax: 500,
  jitterMicros: 50,
  tailOneIn: 0,
  tailMicros: 0,
  bytesPerSecond: 0,
};
/** Why an actor cannot be moved although nothing fails: it is there already. */
const NOT_MOVED = 'invalid-argument';
const PROMISES_TO_CLIENTS: readonly string[] = ['conservation', 'durable-on-success', 'no-effect-on-failure', 'state-consistency'];

type History = readonly TraceEvent[];
type Payment = Extract<BankOperation, { readonly kind: 'move' | 'transfer' }>;

let compiled: Compiled;
const open: { close(): Promise<void> }[] = [];

beforeAll(async () => {
  compiled = await compile(['runner/kelpie-node.ts', 'scenarios/bank.ts']);
}, 60_000);

afterEach(() => Promise.all(open.splice(0).map((one) => one.close())));

afterAll(() => compiled.remove());

const operationsOf = (run: Case): readonly ClusterOperation[] => run.workload.operations as readonly ClusterOperation[]; // the scenario drew it
const isPayment = (operation: ClusterOperation): operation is Payment => operation.kind === 'move' || operation.kind === 'transfer';
const isAgents = (operation: ClusterOperation): operation is AgentOperation => operation.kind === 'agent';
const workloadOf = (run: Case): ClusterWorkload => run.workload as ClusterWorkload; // the scenario drew it

/** The first cases of so many nodes with something of every kind, without faults, and patient. */
function casesDrawn(count: number): Case[] {
  const cases: Case[] = [];
  for (let seed = 1; seed <= SEEDS_MAX && cases.length < count; seed++) {
    const run = draw(seed, kelpieCluster, { faults: [], profile: 'none', chaosMicros: CHAOS_MICROS });
    if (run.workload.nodes !== NODES || run.workload.operations.length > OPERATIONS_MAX || !isTelling(run)) continue;
    const operations = operationsOf(run).map((operation) => ({ ...operation, deadlineMicros: PATIENT_MICROS }));
    const workload = { ...run.workload, lateMicrosMax: PATIENT_MICROS, operations };
    cases.push({ ...run, network: LOOPBACK, knobs: { ...run.knobs, ...KNOBS }, workload });
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
function certainPayments(run: Case): { readonly covered: ReadonlySet<ClusterOperation>; readonly hopeless: ReadonlySet<ClusterOperation> } {
  const left = new Map<string, number>();
  const most = new Map<string, number>();
  const leftOf = (account: string): number => left.get(account) ?? OPENING;
  const mostOf = (account: string): number => most.get(account) ?? OPENING;
  const covered = new Set<ClusterOperation>();
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

/** Leaves out the operations whose outcome depends on what came first. */
function inAnyOrder(run: Case): Case {
  const { covered, hopeless } = certainPayments(run);
  const { agents } = workloadOf(run);
  const operations = operationsOf(run).filter((operation) => {
    if (isPayment(operation)) return covered.has(operation) || hopeless.has(operation);
    return !isAgents(operation) || (agents.includes(operation.agent) && operation.action !== 'list');
  });
  return { ...run, workload: { ...run.workload, operations } };
}

/** Whether enough happens: a case without transfers, overdrafts, messages or an actor that certainly moves shows little. */
function isTelling(run: Case): boolean {
  const { covered, hopeless } = certainPayments(run);
  const times = (kind: string): number => [...covered].filter((payment) => payment.kind === kind).length;
  const actions = new Set(
    operationsOf(run)
      .filter(isAgents)
      .map(({ action }) => action),
  );
  const wanted = ['remember', 'message', 'create', 'delete'] as const;
  const moves = operationsOf(run).filter((operation) => operation.kind === 'migrate');
  // Ordered to two nodes, a ledger is not on one of them.
  const moving = moves.some(({ ledger, to }) => moves.some((other) => other.ledger === ledger && other.to !== to));
  const paid = times('move') >= 2 && times('transfer') >= 2 && hopeless.size >= 1;
  return run.workload.clients > 1 && paid && moving && wanted.every((action) => actions.has(action));
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
  const peers: HttpPeers = await openHttpPeers();
  open.push(peers);
  const actors = join(cluster.folder, 'actors.mjs');
  await writeFile(actors, `export { bankActors as actors } from ${JSON.stringify(compiled.url('scenarios/bank.ts'))};\n`);
  const { placement = 0, ...knobs } = run.knobs;
  const kelpie = { ...knobs, placement: PLACEMENT_STRATEGIES[placement] };
  const agents = { sweepMicros: 500_000 };
  const nodes = await cluster.start({ actors: [actors], kelpie, agents, services: peers.services, log: { level: 'debug' } });
  for (const [node, child] of nodes)
    await child.line(`${node} is a member`, (line) => line.includes('"type":"member.join"'), MEMBER_MILLIS_MAX);

  const clock = new RealClock();
  const history: TraceEvent[] = [];
  const tell = (node: NodeId, body: StoryEvent): void =>
    void history.push({ index: history.length, at: clock.monotonicMicros(), node, life: 1, cause: -1, body });
  const asClient = async (node: NodeId, program: (platform: Platform) => Promise<void>): Promise<void> => {
    const tracer = { emit: (event: StoryEvent) => tell(node, event), count: () => undefined };
    const random = new RealRandom();
    const transport = await openTcpTransport({ self: node, addressOf: (peer) => cluster.addresses.get(peer), clock, random, tracer });
    // The auditor's: it reads what the nodes keep in the store that they share.
    const database = openEmbeddedDatabase({ directory: join(cluster.folder, 'store'), clock, random });
    try {
      // A client uses no disk or services of its own.
      await program({ node, clock, random, transport, tracer, database } as unknown as Platform);
    } finally {
      await Promise.all([transport.close(), database.close()]);
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

  const told = [...nodes.values()].flatMap(({ lines }) => lines);
  const moved = told.filter((line) => line.includes('"type":"migrate.move"')).length;
  expect(moved, 'actors that were moved').toBe(
    [...answersOf(run, history).values()].filter(({ kind, outcome }) => kind === 'migrate' && outcome === 'ok').length,
  );
  expect(moved).toBeGreaterThan(0);
  expect(peers.answered.get('model'), 'answers of the model').toBeGreaterThan(0);
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

const nameOf = (operation: ClusterOperation): string => (isAgents(operation) ? `agent ${operation.action}` : operation.kind);

/** The answer without the name of the agent's life, which is chance. */
function withoutNames(result: TraceValue): TraceValue {
  if (typeof result !== 'object' || result === null || !('incarnation' in result)) return result;
  const { incarnation, ...rest } = result;
  expect(incarnation).toMatch(/^[0-9a-z]+$/);
  return rest;
}

/** What became of the operations of the case, by their names. */
function answersOf(run: Case, history: History): ReadonlyMap<string, Answer> {
  const drawn = new Map(operationsOf(run).map((operation) => [operation.op, nameOf(operation)]));
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
        ? { kind, outcome: 'ok', result: withoutNames(event.result) }
        : { kind, outcome: event.type === 'op.fail' ? 'fail' : 'info', code: event.code },
    );
  }
  // By name: in which order clients got their answers is not compared.
  return new Map([...answers].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The last look at each ledger and at each agent that stays. */
function finalLooks(
  run: Case,
  history: History,
): { readonly audits: Readonly<Record<string, LedgerAudit>>; readonly views: Readonly<Record<string, AgentView>> } {
  const { ledgers } = workloadOf(run);
  const audits: Record<string, LedgerAudit> = {};
  const views: Record<string, AgentView> = {};
  const verify = history.findIndex(({ body }) => body.type === 'phase' && (body as { readonly phase?: string }).phase === 'verify');
  for (const { body } of history.slice(verify)) {
    const event = body as OperationEvent;
    if (event.type !== 'op.ok' || event.shows === undefined) continue;
    const { target } = event.shows;
    if (ledgers.includes(target)) audits[target] = event.result as unknown as LedgerAudit;
    else views[target] = withoutNames(event.result) as unknown as AgentView;
  }
  return { audits, views };
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

const succeeded = (history: History, op: string): boolean =>
  history.some(({ body }) => body.type === 'op.ok' && (body as OperationEvent).op === op);

/** What may fail although nothing does, and how. */
const REFUSALS: Readonly<Record<string, RegExp>> = {
  move: /^invalid-argument$/,
  transfer: /^invalid-argument$/,
  migrate: new RegExp(`^${NOT_MOVED}$`),
  'agent create': /^already-exists$/,
  'agent delete': /^not-found$/,
  'agent message': /^not-found$/,
};

/** Every answer is final, only what cannot be paid, moved or found fails, and reading back shows exactly what was acknowledged. */
function addsUp(run: Case, history: History): void {
  const answers = answersOf(run, history);
  const { audits, views } = finalLooks(run, history);
  expect([...answers.keys()]).toEqual(
    operationsOf(run)
      .map(({ op }) => op)
      .toSorted(),
  );
  // Whoever reads back also works, to see that work is done; that has left something too.
  const ofDrawn = (ops: readonly string[], what: string): readonly string[] => {
    const others = ops.filter((op) => !answers.has(op));
    expect(
      others.filter((op) => !succeeded(history, op)),
      `${what}, of reading back`,
    ).toEqual([]);
    return ops.filter((op) => answers.has(op)).sort();
  };
  const balances = new Map<string, number>();
  const marks = new Map<string, string[]>();
  const remembered = new Map(workloadOf(run).agents.map((agent): [string, string[]] => [agent, []]));
  for (const operation of operationsOf(run)) {
    const answer = answers.get(operation.op);
    if (answer?.outcome !== 'ok') {
      expect(answer?.outcome, `${operation.op} (${nameOf(operation)}): ${answer?.code}`).toBe('fail');
      expect(answer?.code, `${operation.op} (${nameOf(operation)})`).toMatch(REFUSALS[nameOf(operation)] ?? /^none$/);
      continue;
    }
    if (isAgents(operation) && operation.action === 'remember') remembered.get(operation.agent)?.push(operation.op);
    if (isAgents(operation) && operation.action === 'message') expect(answer.result).toMatchObject({ status: 'done' });
    if (!isPayment(operation)) continue;
    balances.set(source(operation), (balances.get(source(operation)) ?? OPENING) - operation.amount);
    balances.set(target(operation), (balances.get(target(operation)) ?? OPENING) + operation.amount);
    const ledgers = operation.kind === 'move' ? [operation.ledger] : [operation.ledger, operation.toLedger];
    for (const ledger of ledgers) marks.set(ledger, [...(marks.get(ledger) ?? []), operation.op]);
  }
  for (const [ledger, audit] of Object.entries(audits)) {
    expect(audit.inFlight, `${ledger}: under way`).toEqual({});
    expect(ofDrawn(audit.marks, `${ledger}: receipts`), `${ledger}: receipts`).toEqual((marks.get(ledger) ?? []).sort());
    for (const [account, balance] of Object.entries(audit.balances)) {
      expect(audit.opened[account], `${ledger}/${account} at its opening`).toBe(OPENING);
      expect(balance, `${ledger}/${account}`).toBe(balances.get(`${ledger}/${account}`) ?? OPENING);
    }
  }
  expect(Object.keys(views).sort()).toEqual([...workloadOf(run).agents].sort());
  for (const [agent, { blocks, pending }] of Object.entries(views)) {
    const labels = blocks.map(({ label }) => label);
    expect(ofDrawn(labels, `${agent}: changes`), `${agent}: changes`).toEqual(remembered.get(agent)?.sort());
    expect(pending, `${agent}: messages not answered`).toBe(0);
  }
  const audited = history.filter(({ body }) => body.type === 'audit.end').map(({ body }) => body);
  expect(audited, 'the audit of the database').toEqual([{ type: 'audit.end', complete: true, misplaced: [] }]);
  const held = Object.values(audits).reduce((sum, { total }) => sum + total, 0);
  const { ledgers, accounts } = workloadOf(run);
  expect(Object.keys(audits).sort()).toEqual([...ledgers].sort());
  expect(held).toBe(OPENING * ledgers.length * accounts.length);
}

async function onBoth(run: Case): Promise<{ readonly simulated: History; readonly real: History }> {
  const simulated = await inSimulation(run);
  addsUp(run, simulated);
  const real = await onRealNodes(run);
  promisesHold(real);
  addsUp(run, real);
  return { simulated, real };
}

/** Blocks stand in the order in which they came; audits as they are. */
function inOrder({ audits, views }: ReturnType<typeof finalLooks>): unknown {
  const sorted = Object.entries(views).map(([agent, view]) => {
    const blocks = [...view.blocks].sort((a, b) => (a.label < b.label ? -1 : 1));
    return [agent, { ...view, blocks }];
  });
  return { audits, views: Object.fromEntries(sorted) };
}

const CASES = 3;
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
      // Which node an actor is on, and so which of its moves there is one, is decided by who claims first.
      const answers = (history: History): unknown => [...answersOf(run, history)].filter(([, { kind }]) => kind !== 'migrate');
      expect(answers(real)).toEqual(answers(simulated));
      expect(finalLooks(run, real)).toEqual(finalLooks(run, simulated));
    },
  );

  test.each(cases.slice(2).map((run) => [label(inAnyOrder(run)), inAnyOrder(run)] as const))(
    'several clients at once: the same operations succeed and end in the same ledgers (%s)',
    { timeout: TEST_MILLIS_MAX },
    async (_, run) => {
      const { simulated, real } = await onBoth(run);
      const outcomes = (history: History): unknown =>
        [...answersOf(run, history)].filter(([, { kind }]) => kind !== 'migrate').map(([op, { outcome, code }]) => ({ op, outcome, code }));
      expect(outcomes(real)).toEqual(outcomes(simulated));
      expect(inOrder(finalLooks(run, real))).toEqual(inOrder(finalLooks(run, simulated)));
    },
  );
});
